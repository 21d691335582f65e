package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// objections returns what speaks against a route as a health check, as far as a call that
// adds it says so.
func (f *flow) objections(call *ast.CallExpr) (found []string) {
	if f.isProtected(call.Args) || slices.ContainsFunc(f.chain(call), func(o origin) bool { return f.isProtected(o.(*ast.CallExpr).Args) }) || f.usesProtection(call) {
		found = append(found, "requests may have to be authenticated")
	}
	for _, arg := range call.Args {
		for _, o := range f.origins(arg) {
			if f.refuses(o) {
				return append(found, "a plain GET request may be refused")
			}
		}
	}
	return found
}

// protection is what functions are called that let only some requests through.
var (
	protection = regexp.MustCompile(`(?i)auth|login|signin|(require|check|need|valid)\w*(session|token)|jwt|oidc|rbac|permission|protect|restrict|privileg|apikey|basic_?user|admin`)
	openness   = regexp.MustCompile(`(?i)unauth|no_?auth|skip_?auth|without_?auth|author[^i]|optional`)
)

func isProtecting(name string) bool {
	return protection.MatchString(name) && !openness.MatchString(name)
}

// isProtected reports whether one of some handlers, or what they are wrapped in, is called
// like what authenticates.
func (f *flow) isProtected(list []ast.Expr) (found bool) {
	seen, calls := map[types.Object]bool{}, map[*ast.SelectorExpr]bool{}
	var look func(x ast.Expr)
	look = func(x ast.Expr) {
		ast.Inspect(x, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.SelectorExpr:
				if s := f.info.Selections[n]; s != nil && s.Kind() == types.MethodVal { // whose receiver is another matter
					named := namedType(s.Recv())
					found = found || isProtecting(s.Obj().Name()) || named != nil && calls[n] && isProtecting(named.Obj().Name())
					return false
				}
			case *ast.CallExpr:
				if sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok {
					calls[sel] = true
				}
			case *ast.Ident:
				obj := f.info.Uses[n]
				switch obj := obj.(type) {
				case *types.Func:
					found = found || isProtecting(obj.Name())
				case *types.PkgName:
					return true
				case *types.Var:
					if _, isFunc := obj.Type().Underlying().(*types.Signature); isFunc {
						found = found || isProtecting(obj.Name())
					}
					if !seen[obj] && !obj.IsField() {
						seen[obj] = true
						for _, s := range f.from(obj) {
							look(s.expr)
						}
					}
				}
			}
			return !found
		})
	}
	for _, x := range list {
		look(x)
	}
	return found
}

// usesProtection reports whether the router of a route has every request authenticated, as
// r.Use(auth) says before routes are added.
func (f *flow) usesProtection(route *ast.CallExpr) bool {
	var routers []origin
	for _, o := range append(f.chain(route), origin(route)) {
		routers = append(routers, f.origins(f.receiver(o.(*ast.CallExpr)))...)
	}
	return slices.ContainsFunc(f.calls, func(call *ast.CallExpr) bool {
		if !f.isRouting(call) || f.callee(call).Name() != "Use" || !f.isProtected(call.Args) || f.presence(f.sites[call]) == off {
			return false
		}
		later := f.sites[call].in == f.sites[route].in && call.Pos() > route.Pos()
		return !later && intersect(f.origins(f.receiver(call)), routers)
	})
}

// refuses reports whether a handler wants other requests than plain GETs: such that
// become WebSockets, or have a body.
func (f *flow) refuses(handler origin) (refuses bool) {
	var body *ast.BlockStmt
	switch h := handler.(type) {
	case *ast.FuncLit:
		body = h.Body
	case *types.Func:
		if decl := f.decls[h]; decl != nil {
			body = decl.Body
		}
	case *ast.CallExpr:
		return strings.Contains(packagePath(f.callee(h)), "websocket")
	}
	if body == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			fn := f.callee(n)
			name := ""
			if fn != nil {
				name = fn.Name()
			}
			refuses = refuses || name == "Upgrade" || name == "Hijack" || name == "Accept" && strings.Contains(packagePath(fn), "websocket")
		case *ast.BinaryExpr:
			field := f.object(n.X)
			refuses = refuses || n.Op == token.NEQ && field != nil && field.Name() == "Method" && packagePath(field) == "net/http" &&
				slices.Contains(otherMethods, f.word(n.Y))
		}
		return !refuses
	})
	return refuses
}
