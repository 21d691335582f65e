package discover

import (
	"go/ast"
	"slices"
	"strings"
)

// others returns the calls that add to a router what is no route for plain GET requests:
// a route that has conditions, or one that only leads to the routes of another router.
func (f *flow) others() map[origin]bool {
	others := map[origin]bool{}
	for _, call := range f.calls {
		if !f.isRouting(call) {
			continue
		}
		if f.narrows(call) || f.callee(call).Name() == "Subrouter" {
			for _, o := range f.chain(call) {
				others[o] = true
			}
		}
		if slices.ContainsFunc(f.mounted(call), f.isRouterMade) || slices.ContainsFunc(f.chain(call), f.narrowsOrigin) {
			others[origin(call)] = true
		}
	}
	return others
}

// narrows reports whether a call makes a route of gorilla/mux or a group of echo's answer
// some requests only.
func (f *flow) narrows(call *ast.CallExpr) bool {
	var words []string
	for _, arg := range call.Args {
		words = append(words, strings.ToUpper(f.word(arg)))
	}
	known := !slices.Contains(words, "")
	switch f.callee(call).Name() {
	case "Methods":
		return known && !slices.Contains(words, "GET")
	case "Schemes":
		return known && !slices.Contains(words, "HTTP")
	case "Host", "Headers", "HeadersRegexp", "Queries", "MatcherFunc":
		return f.receiver(call) != nil
	}
	return false
}

func (f *flow) narrowsOrigin(o origin) bool { return f.narrows(o.(*ast.CallExpr)) }

// chain returns the routers' calls whose results a call is made on, one on the other, as
// in r.Path(path).Methods(method).
func (f *flow) chain(call *ast.CallExpr) (calls []origin) {
	next := []origin{call}
	for len(next) > 0 {
		base := f.receiver(next[0].(*ast.CallExpr))
		next = next[1:]
		for _, o := range f.origins(base) {
			inner, ok := o.(*ast.CallExpr)
			if ok && f.isRouting(inner) && !slices.Contains(calls, o) {
				calls, next = append(calls, o), append(next, o)
			}
		}
	}
	return calls
}

// isRouterMade reports whether an origin is a router that is made there.
func (f *flow) isRouterMade(o origin) bool {
	x, ok := o.(ast.Expr)
	if !ok {
		return false
	}
	t := f.info.TypeOf(x)
	return t != nil && isRouter(t)
}
