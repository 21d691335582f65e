package discover

import (
	"go/ast"
	"slices"
	"strings"
)

// httpServer returns what is put into the fields of an http.Server, or fasthttp's, that
// matter here, by their names.
func (f *flow) httpServer(x ast.Expr) map[string][]ast.Expr {
	fields := map[string][]ast.Expr{}
	matters := func(name string) bool {
		return slices.Contains([]string{"Addr", "Handler", "Protocols", "TLSNextProto"}, name)
	}
	origins := f.origins(x)
	for _, o := range origins {
		if lit, ok := o.(*ast.CompositeLit); ok {
			for field, value := range f.fields(lit) {
				if matters(field.Name()) {
					fields[field.Name()] = append(fields[field.Name()], value)
				}
			}
		}
	}
	for field, assignments := range f.assigns {
		if pkg := packagePath(field); pkg != "net/http" && pkg != "github.com/valyala/fasthttp" || !matters(field.Name()) {
			continue
		}
		for _, a := range assignments {
			if intersect(f.origins(f.promoted(a.base, a.field)), origins) {
				fields[field.Name()] = append(fields[field.Name()], a.value)
			}
		}
	}
	return fields
}

// versions are those of HTTP that a server speaks.
type versions struct {
	only2 bool // and not HTTP/1.1
	with2 bool // HTTP/2, with TLS or, if it has none, without
}

// versions returns what a server speaks that is an http.Server, or one that others make.
func (f *flow) versions(s serve, server ast.Expr, fields map[string][]ast.Expr, handlers []origin) versions {
	set := f.protocols(server, fields["Protocols"])
	if s.tls {
		isSet := len(fields["Protocols"]) > 0 || len(set) > 0
		return versions{with2: s.http2 && len(fields["TLSNextProto"]) == 0 && (!isSet || set["HTTP2"])}
	}
	return versions{
		only2: set["UnencryptedHTTP2"] && !set["HTTP1"],
		with2: set["UnencryptedHTTP2"] || slices.ContainsFunc(handlers, f.isH2C),
	}
}

// protocols returns the names of the protocols that the methods of http.Protocols set for
// a server, and those that they unset.
func (f *flow) protocols(server ast.Expr, protocols []ast.Expr) map[string]bool {
	set := map[string]bool{}
	for _, call := range f.calls {
		name, ok := strings.CutPrefix(f.names[call], "(*net/http.Protocols).Set")
		if ok && f.isProtocols(f.receiver(call), server, protocols) {
			set[name] = set[name] || f.word(argument(call, 0)) != "false"
		}
	}
	return set
}

// isProtocols reports whether an expression is the http.Protocols of a server: its field,
// or what is put into that.
func (f *flow) isProtocols(x, server ast.Expr, protocols []ast.Expr) bool {
	if sel, ok := ast.Unparen(x).(*ast.SelectorExpr); ok {
		if field := f.object(sel); field != nil && field.Name() == "Protocols" && packagePath(field) == "net/http" {
			return intersect(f.origins(sel.X), f.origins(server))
		}
	}
	return slices.ContainsFunc(protocols, func(p ast.Expr) bool { return intersect(f.origins(x), f.origins(p)) })
}

// isH2C reports whether a handler is one that speaks HTTP/2 without TLS.
func (f *flow) isH2C(o origin) bool {
	call, ok := o.(*ast.CallExpr)
	return ok && f.isCallOf(call, "golang.org/x/net/http2/h2c.NewHandler")
}
