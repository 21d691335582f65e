package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// A route is a path that a router answers GET requests for.
type route struct {
	path string
	recv ast.Expr // the router, or nil if any server may be meant
	std  bool     // it is in http.DefaultServeMux
	pos  token.Pos

	other   bool        // GET requests of all kinds are not what it answers
	handler origin      // that has the path without a router, or nil
	from    []token.Pos // where the path comes from
}

// A mount puts a handler below a path of a router's.
type mount struct {
	recv     ast.Expr
	std      bool
	prefix   string
	handlers []origin
}

// routers are the packages that have routers, without their major versions.
func routers() []string {
	return []string{
		"net/http",
		"github.com/go-chi/chi",
		"github.com/gorilla/mux",
		"github.com/gin-gonic/gin",
		"github.com/labstack/echo",
		"github.com/gofiber/fiber",
		"github.com/julienschmidt/httprouter",
		"github.com/fasthttp/router",
		"github.com/uptrace/bunrouter",
	}
}

// isRouter tells whether a type is one of a router's package that has routes.
func isRouter(t types.Type) bool {
	named := namedType(t)
	return named != nil && slices.Contains(routers(), packagePath(named.Obj())) &&
		slices.ContainsFunc([]string{"Handle", "HandleFunc", "GET", "Get"}, func(name string) bool { return hasMethod(named, name) })
}

// isRouting tells whether a call is one of a router's package.
func (f *flow) isRouting(call *ast.CallExpr) bool {
	fn := f.callee(call)
	return fn != nil && slices.Contains(routers(), packagePath(fn))
}

// routes returns the routes that the app has for GET, and where routers are put below
// others.
func (f *flow) routes() (routes []route, mounts []mount) {
	others := f.others()
	for _, call := range f.calls {
		if std, ok := f.addsRoute(call); ok {
			for _, r := range f.paths(call) {
				r.recv, r.std, r.other = f.receiver(call), std, others[call]
				routes = append(routes, r)
				if m := f.mounted(call); len(m) > 0 {
					mounts = append(mounts, mount{r.recv, std, f.mountedAt(call, r.path), m})
				}
			}
		} else if f.isRouting(call) && f.callee(call).Name() == "Heartbeat" { // chi's middleware
			for _, v := range f.values(argument(call, 0)) {
				if p, ok := v.plain(); ok {
					routes = append(routes, route{path: "/" + strings.Trim(p, "/"), pos: call.Pos()})
				}
			}
		}
	}
	return append(routes, f.comparisons()...), mounts
}

// addsRoute tells whether a call adds a route to a router, and whether that is
// http.DefaultServeMux.
func (f *flow) addsRoute(call *ast.CallExpr) (std, ok bool) {
	if !f.isRouting(call) {
		return false, false
	}
	switch fn := f.callee(call); fn.Name() {
	case "Get", "GET", "Any", "All", "Add", "Match", "Method", "MethodFunc",
		"Handle", "HandleFunc", "Handler", "HandlerFunc", "Mount", "Path", "PathPrefix":
		std = fn.Signature().Recv() == nil && packagePath(fn) == "net/http"
		return std, std || f.receiver(call) != nil
	}
	return false, false
}

// paths returns the paths of a call that adds a route: the first argument that is one,
// behind what may be a method.
func (f *flow) paths(call *ast.CallExpr) (paths []route) {
	for _, arg := range call.Args[:min(2, len(call.Args))] {
		if list, ok := ast.Unparen(arg).(*ast.CompositeLit); ok && !f.hasGET(list) {
			return nil
		}
		if !isString(f.info.TypeOf(arg)) {
			continue
		}
		for _, v := range f.values(arg) {
			s, ok := v.plain()
			method, pattern, hasMethod := strings.Cut(s, " ")
			if !hasMethod {
				method, pattern = "GET", s
			}
			switch {
			case !ok:
			case slices.Contains(otherMethods, s):
				return nil
			case method == "GET" && strings.HasPrefix(pattern, "/"): // else it is for one host
				paths = append(paths, route{path: strings.TrimSuffix(pattern, "{$}"), pos: call.Pos(), from: v.from})
			}
		}
		if len(paths) > 0 {
			break
		}
	}
	return paths
}

// otherMethods are those of requests that checks do not make.
var otherMethods = []string{"CONNECT", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

// hasGET tells whether GET may be in a list of methods.
func (f *flow) hasGET(list *ast.CompositeLit) bool {
	return slices.ContainsFunc(list.Elts, func(x ast.Expr) bool { return !slices.Contains(otherMethods, f.word(x)) })
}

// mounted returns the routers that a call puts below a path.
func (f *flow) mounted(call *ast.CallExpr) (found []origin) {
	for _, arg := range call.Args {
		if t := f.info.TypeOf(arg); t != nil && hasMethod(t, "ServeHTTP") {
			found = append(found, f.handlers(arg)...)
		}
	}
	return found
}

// mountedAt returns what is before the paths of a router that is mounted: a ServeMux
// passes on the whole path, unless it is stripped.
func (f *flow) mountedAt(call *ast.CallExpr, p string) string {
	if packagePath(f.callee(call)) == "net/http" || f.callee(call).Name() != "Mount" {
		stripped := false
		for _, arg := range call.Args {
			ast.Inspect(arg, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					stripped = stripped || f.isCallOf(c, "net/http.StripPrefix")
				}
				return true
			})
		}
		if !stripped {
			return ""
		}
	}
	return strings.TrimRight(strings.TrimSuffix(p, "*"), "/")
}

// A place is a router that others begin with, and the path at which a route is in it.
type place struct {
	router origin
	path   string
}

// places returns where a route is: in its router, those that this is a group of, and
// those below which it is mounted.
func (f *flow) places(r route, mounts []mount) []place {
	if r.std {
		return []place{{defaultMux, r.path}}
	}
	if r.handler != nil {
		return append(f.mountedBelow(r.handler, r.path, mounts, 0), place{r.handler, r.path})
	}
	return f.above(r.recv, r.path, mounts, 0)
}

func (f *flow) above(recv ast.Expr, p string, mounts []mount, depth int) (places []place) {
	if depth > 8 {
		return nil
	}
	for _, o := range f.origins(recv) {
		if group, ok := o.(*ast.CallExpr); ok {
			if base := f.receiver(group); base != nil && f.isRouting(group) {
				places = append(places, f.above(base, f.groupPrefix(group)+p, mounts, depth+1)...)
				continue
			}
		}
		places = append(append(places, place{o, p}), f.mountedBelow(o, p, mounts, depth)...)
	}
	return places
}

// mountedBelow returns where the path of a handler is in the routers below which that is
// mounted.
func (f *flow) mountedBelow(o origin, p string, mounts []mount, depth int) (places []place) {
	for _, m := range mounts {
		switch {
		case !slices.Contains(m.handlers, o):
		case m.std:
			places = append(places, place{defaultMux, m.prefix + p})
		default:
			places = append(places, f.above(m.recv, m.prefix+p, mounts, depth+1)...)
		}
	}
	return places
}

// groupPrefix returns the path that r.Group(path) and the like put before the routes of
// the group.
func (f *flow) groupPrefix(group *ast.CallExpr) string {
	switch f.callee(group).Name() {
	case "Subrouter": // of r.PathPrefix(path), which is a group in turn
		return ""
	case "With", "Methods", "Use", "Host", "Name":
		return ""
	}
	for _, v := range f.values(argument(group, 0)) {
		if s, ok := v.plain(); ok && strings.HasPrefix(s, "/") {
			return strings.TrimRight(s, "/")
		}
	}
	return ""
}

// healthRank says how well a path suits a health check, 0 best; ok is false if it does
// not look like one. What tells whether an app is ready comes last: it may fail for
// reasons that a restart does not mend.
func healthRank(p string) (rank int, ok bool) {
	if strings.ContainsAny(p, "{}*:?#$ ") || len(p) > 100 {
		return 0, false
	}
	last := strings.ToLower(strings.Trim(path.Base(p), "_-."))
	rank, ok = map[string]int{
		"livez": 0, "healthz": 0, "live": 1, "liveness": 1, "alive": 1, "health": 1, "healthy": 1,
		"healthcheck": 1, "health-check": 1, "health_check": 1, "healthcheckz": 1,
		"ping": 2, "heartbeat": 2, "up": 2, "status": 3, "statusz": 3,
		"readyz": 5, "ready": 5, "readiness": 5,
	}[last]
	return rank, ok
}

func isReadiness(p string) bool {
	rank, ok := healthRank(p)
	return ok && rank == 5
}
