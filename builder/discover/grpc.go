package discover

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

const (
	grpcHealthPackage = "google.golang.org/grpc/health/grpc_health_v1"
	grpcHealthPath    = "/grpc.health.v1.Health" // and below it what gRPC asks for
)

// grpcHealth returns where gRPC's health service is registered with a server, or is put
// into one of its routers, as connect's is; ok is false if it is nowhere.
func (f *flow) grpcHealth(s server, mounts []mount) (pos token.Pos, ok bool) {
	if s.health != nil {
		return s.health.Pos(), true
	}
	for _, call := range f.calls {
		if len(call.Args) == 0 {
			continue
		}
		if f.isCallOf(call, grpcHealthPackage+".RegisterHealthServer") && intersect(f.origins(call.Args[0]), s.grpc) {
			return call.Pos(), true
		}
		if made := f.connectHealth(call); made != nil && f.isReached(call, made, s, mounts) {
			return made.Pos(), true
		}
	}
	return 0, false
}

// connectHealth returns the call of connectrpc.com/grpchealth's that makes the handler
// which another call puts into a router, or nil.
func (f *flow) connectHealth(routing *ast.CallExpr) *ast.CallExpr {
	if _, ok := f.addsRoute(routing); !ok {
		return nil
	}
	for _, o := range f.results(routing.Args[len(routing.Args)-1], handlerIndex(routing)) {
		if call, ok := o.(*ast.CallExpr); ok && f.isCallOf(call, "connectrpc.com/grpchealth.NewHandler") {
			return call
		}
	}
	return nil
}

// handlerIndex returns which result of the last argument is the handler: mux.Handle may
// have path and handler from one call.
func handlerIndex(routing *ast.CallExpr) int {
	if len(routing.Args) == 1 {
		return 1
	}
	return 0
}

// isReached reports whether what gRPC asks a server for gets to a handler that a call has
// made and another one puts into a router.
func (f *flow) isReached(routing, made *ast.CallExpr, s server, mounts []mount) bool {
	std, _ := f.addsRoute(routing)
	paths := []string{grpcHealthPath} // as it was made for
	if !slices.Contains(f.results(routing.Args[0], 0), origin(made)) {
		paths = nil
		for _, r := range f.paths(routing) {
			paths = append(paths, r.path)
		}
	}
	for _, p := range paths {
		for _, pl := range f.places(route{path: p, recv: f.receiver(routing), std: std}, mounts) {
			at := strings.TrimRight(pl.path, "/*")
			if slices.Contains(s.handlers, pl.router) && (at == "" || at == grpcHealthPath) {
				return true
			}
		}
	}
	return false
}

// grpcBehind returns the gRPC servers that handlers pass requests on to as they are. What
// others make of one, such as for gRPC-Web, is not gRPC.
func (f *flow) grpcBehind(handlers []origin) (found []origin) {
	for _, call := range f.calls {
		if f.isCallOf(call, "(*google.golang.org/grpc.Server).ServeHTTP") {
			for _, o := range f.origins(f.receiver(call)) {
				if slices.Contains(handlers, o) {
					found = append(found, o)
				}
			}
		}
	}
	return found
}

// grpcTLS returns whether a gRPC server has credentials other than none.
func (f *flow) grpcTLS(servers []origin) (s state) {
	for _, o := range servers {
		call, ok := o.(*ast.CallExpr)
		if !ok {
			continue
		}
		for _, arg := range call.Args {
			s = max(s, f.hasCredentials(arg, map[any]bool{}))
		}
	}
	return s
}

// hasCredentials looks for grpc.Creds in an option, or a list of options.
func (f *flow) hasCredentials(x ast.Expr, seen map[any]bool) (found state) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			fn := f.callee(n)
			if fn == nil {
				break
			}
			if fullName(fn) == "google.golang.org/grpc.Creds" {
				if !f.insecure(argument(n, 0)) {
					found = max(found, f.state(f.sites[n].guard))
				}
				return false
			}
			if decl := f.decls[fn]; decl != nil && !seen[decl] {
				seen[decl] = true
				for _, ret := range f.returns[decl] {
					for _, result := range ret.Results {
						found = max(found, f.hasCredentials(result, seen))
					}
				}
			}
		case *ast.Ident:
			if obj := f.object(n); obj != nil && !seen[obj] {
				seen[obj] = true
				for _, s := range f.from(obj) {
					found = max(found, min(f.state(s.guard), f.hasCredentials(s.expr, seen)))
				}
			}
		}
		return true
	})
	return found
}

func (f *flow) insecure(x ast.Expr) bool {
	for _, o := range f.origins(x) {
		if call, ok := o.(*ast.CallExpr); ok && f.isCallOf(call, "google.golang.org/grpc/credentials/insecure.NewCredentials") {
			return true
		}
	}
	return false
}
