package discover

import (
	"go/ast"
	"strings"
)

const humaPackage = "github.com/danielgtaylor/huma"

// humaRoutes returns the routes that a call of huma's adds to the router below its API.
func (f *flow) humaRoutes(call *ast.CallExpr) (routes []route) {
	fn := f.callee(call)
	if packagePath(fn) != humaPackage || len(call.Args) < 2 {
		return nil
	}
	var paths []value
	switch fn.Name() {
	case "Get":
		paths = f.values(call.Args[1])
	case "Register":
		paths = f.operation(call.Args[1])
	}
	for _, v := range paths {
		if p := v.withoutUnset().template(); !v.isUnknown() && strings.HasPrefix(p, "/") {
			routes = append(routes, f.below(call.Args[0], route{path: p, pos: call.Pos(), from: v.from, runs: f.presence(f.sites[call])})...)
		}
	}
	return routes
}

// operation returns the paths of an operation, if it is for GET.
func (f *flow) operation(x ast.Expr) (paths []value) {
	for _, o := range f.origins(x) {
		lit, ok := o.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for field, value := range f.fields(lit) {
			switch field.Name() {
			case "Path":
				paths = append(paths, f.values(value)...)
			case "Method":
				if f.word(value) != "GET" {
					return nil
				}
			}
		}
	}
	return paths
}

// below returns a route of an API as one of the router that this is made for, behind the
// prefixes of groups.
func (f *flow) below(api ast.Expr, r route) (routes []route) {
	for _, o := range f.origins(api) {
		made, ok := o.(*ast.CallExpr)
		if !ok || len(made.Args) == 0 {
			continue
		}
		switch fn := f.callee(made); {
		case strings.HasPrefix(packagePath(fn), humaPackage+"/adapters/"):
			r.recv = made.Args[0]
			routes = append(routes, r)
		case packagePath(fn) == humaPackage && fn.Name() == "NewGroup":
			inner := r
			inner.path = f.word(argument(made, 1)) + r.path
			routes = append(routes, f.below(made.Args[0], inner)...)
		}
	}
	return routes
}
