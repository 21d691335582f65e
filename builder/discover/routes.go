package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A route is a path that a router answers GET requests for.
type route struct {
	path string
	recv ast.Expr // the router, or nil if any server may be meant
	std  bool     // it is in http.DefaultServeMux
	pos  token.Pos

	runs state    // whether it is added
	weak []string // what speaks against it

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
		"github.com/prometheus/common/route",
		"github.com/go-kratos/kratos/transport/http",
		gatewayPackage,
	}
}

// isRouter reports whether a type is one of a router's package that has routes.
func isRouter(t types.Type) bool {
	named := namedType(t)
	return named != nil && slices.Contains(routers(), packagePath(named.Obj())) &&
		slices.ContainsFunc([]string{"Handle", "HandleFunc", "GET", "Get"}, func(name string) bool { return hasMethod(named, name) })
}

// isRouting reports whether a call is one of a router's package.
func (f *flow) isRouting(call *ast.CallExpr) bool { return f.routing[call] }

// routes returns the routes that the app has for GET, and where routers are put below
// others.
func (f *flow) routes() (routes []route, mounts []mount) {
	others := f.others()
	for _, call := range f.calls {
		if std, ok := f.addsRoute(call); ok {
			for _, r := range f.paths(call) {
				r.recv, r.std, r.other = f.receiver(call), std, others[call]
				r.runs, r.weak = f.presence(f.sites[call]), f.objections(call)
				if r.runs == maybe {
					r.weak = append(r.weak, "whether the app has this route depends on what is not known")
				}
				routes = append(routes, r)
				if m := f.mounted(call); len(m) > 0 {
					mounts = append(mounts, mount{r.recv, std, f.mountedAt(call, r.path), m})
				}
			}
		} else {
			routes = slices.Concat(routes, f.builtin(call), f.humaRoutes(call))
		}
	}
	return append(routes, f.comparisons()...), mounts
}

const gatewayPackage = "github.com/grpc-ecosystem/grpc-gateway/runtime"

// builtin returns the routes for health checks that a call has a router answer of itself:
// chi's and fiber's middleware, and what grpc-gateway has.
func (f *flow) builtin(call *ast.CallExpr) (routes []route) {
	if !f.isRouting(call) {
		return nil
	}
	add := func(path string, router ast.Expr) {
		routes = append(routes, route{path: path, recv: router, pos: call.Pos(), runs: f.presence(f.sites[call])})
	}
	switch f.callee(call).Name() {
	case "Use":
		for _, arg := range call.Args {
			for _, o := range f.origins(arg) {
				made, ok := o.(*ast.CallExpr)
				switch {
				case !ok:
				case f.isCallOf(made, "github.com/go-chi/chi/middleware.Heartbeat") && f.word(argument(made, 0)) != "":
					add("/"+strings.Trim(f.word(made.Args[0]), "/"), f.receiver(call))
				case f.isCallOf(made, "github.com/gofiber/fiber/middleware/healthcheck.New") && len(made.Args) == 0:
					add("/livez", f.receiver(call))
				}
			}
		}
	case "NewServeMux":
		if len(f.optionCalls(call, gatewayPackage+".WithHealthzEndpoint")) > 0 {
			add("/healthz", call)
		}
		for _, option := range f.optionCalls(call, gatewayPackage+".WithHealthEndpointAt") {
			add(f.word(argument(option, 1)), call)
		}
	}
	return routes
}

// addsRoute reports whether a call adds a route to a router, and whether that is
// http.DefaultServeMux.
func (f *flow) addsRoute(call *ast.CallExpr) (std, ok bool) {
	if !f.isRouting(call) {
		return false, false
	}
	switch fn := f.callee(call); fn.Name() {
	case "Get", "GET", "Any", "All", "Add", "Match", "Method", "MethodFunc",
		"Handle", "HandleFunc", "Handler", "HandlerFunc", "HandlePath", "Mount", "Path", "PathPrefix":
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
			v, ok := v.withoutUnset(), !v.isUnknown()
			s := v.template()
			if ok && len(v.pieces) > 0 && strings.HasPrefix(v.pieces[0].def, "/") {
				s = "GET " + s // base + "/healthz"
			}
			method, pattern, hasMethod := strings.Cut(s, " ")
			if !hasMethod {
				method, pattern = "GET", s
			}
			switch {
			case !ok:
			case slices.Contains(otherMethods, s):
				return nil
			case method == "GET" && (strings.HasPrefix(pattern, "/") || strings.HasPrefix(pattern, "${")): // else it is for one host
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

// hasGET reports whether GET may be in a list of methods.
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
	c := &climb{flow: f, mounts: mounts, taken: map[any]bool{}}
	switch {
	case r.std:
		c.next = []place{{defaultMux, r.path}}
	case r.handler != nil:
		c.next = []place{{r.handler, r.path}}
	default:
		c.from(r.recv, r.path)
	}
	return c.places()
}

// A climb finds the routers that lead to a route, the nearest first. It takes each group
// and each mount once, so that it ends where a router is mounted below itself.
type climb struct {
	*flow
	mounts []mount
	taken  map[any]bool // groups, and mounts by their index
	next   []place
}

func (c *climb) places() (places []place) {
	for len(c.next) > 0 && !c.ended() {
		at := c.next[0]
		c.next = c.next[1:]
		if slices.Contains(places, at) {
			continue
		}
		places = append(places, at)
		for i, m := range c.mounts {
			switch {
			case c.taken[i] || !slices.Contains(m.handlers, at.router):
				continue
			case m.std:
				c.next = append(c.next, place{defaultMux, m.prefix + at.path})
			default:
				c.from(m.recv, m.prefix+at.path)
			}
			c.taken[i] = true
		}
	}
	return places
}

// from adds the routers that an expression may be, and for a group what that is one of.
func (c *climb) from(recv ast.Expr, p string) {
	for _, o := range c.origins(recv) {
		group, ok := o.(*ast.CallExpr)
		if !ok || !c.isRouting(group) || c.receiver(group) == nil {
			c.next = append(c.next, place{o, p})
		} else if !c.taken[group] {
			c.taken[group] = true
			c.from(c.receiver(group), c.groupPrefix(group)+p)
		}
	}
}

// groupPrefix returns the path that r.Group(path) and the like put before the routes of
// the group.
func (f *flow) groupPrefix(group *ast.CallExpr) string {
	switch f.callee(group).Name() {
	case "Subrouter": // of r.PathPrefix(path), which is a group in turn
		return ""
	case "With", "WithInstrumentation", "Methods", "Use", "Host", "Name":
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
// not look like one. What reports whether an app is ready comes last: it may fail for
// reasons that a restart does not mend.
func healthRank(p string) (rank int, ok bool) {
	p = variables.ReplaceAllString(p, "")
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

// variables are those of the probe's arguments.
var variables = regexp.MustCompile(`\$\{\w+(:-[^}]*)?\}`)

// isVague reports whether the last word of a path says little: a status or a ping that
// may be about anything, behind other words than those that APIs begin with.
func isVague(p string) bool {
	rank, ok := healthRank(p)
	words := strings.Split(strings.Trim(variables.ReplaceAllString(p, ""), "/"), "/")
	if last := words[len(words)-1]; !ok || rank < 2 && last != "live" && last != "alive" {
		return false
	}
	return slices.ContainsFunc(words[:len(words)-1], func(word string) bool { return !usualPrefix.MatchString(word) })
}

var usualPrefix = regexp.MustCompile(`^(_|-|api|internal|system|sys|v\d+\w*|health\w*|k8s|kube|probes?|ops)$`)

func isReadiness(p string) bool {
	rank, ok := healthRank(p)
	return ok && rank == 5
}
