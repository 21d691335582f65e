package discover

import (
	"go/ast"
	"go/token"
	"slices"
)

const grpcHealthPackage = "google.golang.org/grpc/health/grpc_health_v1"

// grpcHealth returns where gRPC's health service is registered with a server, or put into
// one of its routers, as connect's is; ok is false if it is nowhere.
func (f *flow) grpcHealth(s server, mounts []mount) (pos token.Pos, ok bool) {
	for _, call := range f.calls {
		fn := f.callee(call)
		if fn == nil || len(call.Args) == 0 {
			continue
		}
		if fn.Name() == "RegisterHealthServer" && packagePath(fn) == grpcHealthPackage {
			for _, o := range f.origins(call.Args[0]) {
				if slices.Contains(s.grpc, o) {
					return call.Pos(), true
				}
			}
		}
		if health := f.connectHealth(call); health != nil && f.isPlaced(call, s.handlers, mounts) {
			return health.Pos(), true
		}
	}
	return 0, false
}

// connectHealth returns the call of connectrpc.com/grpchealth's that makes the handler
// that is put into a router, or nil.
func (f *flow) connectHealth(routing *ast.CallExpr) *ast.CallExpr {
	if !f.isRouting(routing) {
		return nil
	}
	for _, o := range f.origins(routing.Args[len(routing.Args)-1]) {
		if call, ok := o.(*ast.CallExpr); ok {
			if fn := f.callee(call); fn != nil && fullName(fn) == "connectrpc.com/grpchealth.NewHandler" {
				return call
			}
		}
	}
	return nil
}

// isPlaced tells whether what a call puts into a router is among handlers.
func (f *flow) isPlaced(routing *ast.CallExpr, handlers []origin, mounts []mount) bool {
	r := route{recv: f.receiver(routing), std: f.callee(routing).Signature().Recv() == nil}
	return slices.ContainsFunc(f.places(r, mounts), func(pl place) bool { return slices.Contains(handlers, pl.router) })
}

// grpcTLS tells whether a gRPC server has credentials other than none.
func (f *flow) grpcTLS(servers []origin) bool {
	for _, o := range servers {
		call, ok := o.(*ast.CallExpr)
		if !ok {
			continue
		}
		for _, arg := range call.Args {
			if f.hasCredentials(arg, map[any]bool{}) {
				return true
			}
		}
	}
	return false
}

// hasCredentials looks for grpc.Creds in an option, or a list of options.
func (f *flow) hasCredentials(x ast.Expr, seen map[any]bool) (found bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			fn := f.callee(n)
			if fn == nil {
				break
			}
			if fullName(fn) == "google.golang.org/grpc.Creds" {
				found = found || !f.insecure(argument(n, 0))
				return false
			}
			if decl := f.decls[fn]; decl != nil && !seen[decl] {
				seen[decl] = true
				for _, ret := range f.returns[decl] {
					for _, result := range ret.Results {
						found = found || f.hasCredentials(result, seen)
					}
				}
			}
		case *ast.Ident:
			if obj := f.object(n); obj != nil && !seen[obj] {
				seen[obj] = true
				for _, s := range f.sources[obj] {
					found = found || f.hasCredentials(s.expr, seen)
				}
			}
		}
		return true
	})
	return found
}

func (f *flow) insecure(x ast.Expr) bool {
	for _, o := range f.origins(x) {
		if call, ok := o.(*ast.CallExpr); ok {
			if fn := f.callee(call); fn != nil && fullName(fn) == "google.golang.org/grpc/credentials/insecure.NewCredentials" {
				return true
			}
		}
	}
	return false
}
