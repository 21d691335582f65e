package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// protocol is what a server speaks.
type protocol int

const (
	anything protocol = iota // known is only that it listens
	overHTTP
	overGRPC
)

// A server is a place in the source where an app begins to serve.
type server struct {
	pos      token.Pos
	call     *ast.CallExpr
	runs     state
	speaks   protocol
	tls      state
	versions versions // of HTTP
	addrs    []listening
	handlers []origin // that answer its requests
	handler  []ast.Expr
	health   *ast.CallExpr // what gives it gRPC's health service of itself, or nil
	grpc     []origin      // the gRPC servers that it may be, or that answer its requests
}

// A listening is a network and an address on it.
type listening struct {
	unix bool
	addr []value
	tls  state
	call origin // of net.Listen, or nil
}

// listens are the functions that return listeners: where network and address are among
// their arguments.
var listens = map[string]struct {
	network, addr int
	tls           bool
}{
	"net.Listen":                 {0, 1, false},
	"net.ListenTCP":              {0, 1, false},
	"net.ListenUnix":             {0, 1, false},
	"(*net.ListenConfig).Listen": {1, 2, false},
	"crypto/tls.Listen":          {0, 1, true},
}

// listensAt returns which arguments of a function that returns a listener are network
// and address: those of functions of others that look like net.Listen, too.
func listensAt(fn *types.Func) (network, addr int, tls, ok bool) {
	if at, ok := listens[fullName(fn)]; ok {
		return at.network, at.addr, at.tls, true
	}
	sig := fn.Signature()
	if sig.Recv() != nil || !strings.HasPrefix(fn.Name(), "Listen") || sig.Params().Len() < 2 || sig.Results().Len() != 2 {
		return 0, 0, false, false
	}
	ok = types.TypeString(sig.Results().At(0).Type(), nil) == "net.Listener" &&
		isString(sig.Params().At(0).Type()) && isString(sig.Params().At(1).Type()) && packagePath(fn) != "net"
	return 0, 1, false, ok
}

// servers returns where the app serves, and listens without serving what is known: each
// place once for each way to it that may be taken.
func (f *flow) servers() (servers []server) {
	table := serving()
	var used []origin
	for _, call := range f.calls {
		if s, ok := table[f.names[call]]; ok {
			for _, w := range f.ways(call, 0) {
				found := w.server(call, s)
				for _, l := range found.addrs {
					used = append(used, l.call)
				}
				found.runs = w.runs
				servers = append(servers, found)
			}
		}
	}
	for _, call := range f.calls {
		if _, ok := f.listening(call); !ok || slices.Contains(used, origin(call)) {
			continue
		}
		for _, w := range f.ways(call, 0) {
			l, _ := w.listening(call)
			servers = append(servers, server{pos: call.Pos(), call: call, runs: w.runs, tls: l.tls, addrs: []listening{l}})
		}
	}
	return slices.DeleteFunc(servers, func(s server) bool { return s.runs == off })
}

// listening returns where a call listens; ok is false if it does not.
func (f *flow) listening(call *ast.CallExpr) (l listening, ok bool) {
	fn := f.callee(call)
	if fn == nil {
		return l, false
	}
	network, addr, secure, ok := listensAt(fn)
	if !ok || f.decls[fn] != nil {
		return l, false
	}
	l = listening{call: call, tls: stateOf(secure), addr: f.values(argument(call, addr))}
	if lit := f.addrLiteral(argument(call, addr)); lit != nil {
		l.addr = f.addrOf(lit)
	}
	networks := f.values(argument(call, network))
	if len(networks) == 1 {
		if name, known := networks[0].plain(); known {
			l.unix = name == "unix"
			return l, true
		}
	}
	l.addr = []value{unknown()}
	return l, true
}

// addrLiteral returns the literal of a net.TCPAddr or net.UnixAddr, or nil.
func (f *flow) addrLiteral(x ast.Expr) *ast.CompositeLit {
	for _, o := range f.origins(x) {
		if lit, ok := o.(*ast.CompositeLit); ok {
			return lit
		}
	}
	return nil
}

func (f *flow) addrOf(lit *ast.CompositeLit) []value {
	host, port := []value{text("")}, []value(nil)
	for field, x := range f.fields(lit) {
		switch field.Name() {
		case "Port":
			port = f.values(x)
		case "Name":
			return f.values(x)
		case "IP":
			host = []value{unknown()}
		}
	}
	return product(product(host, []value{text(":")}), port)
}

// server returns what a call of a function that serves says.
func (f *flow) server(call *ast.CallExpr, s serve) server {
	out := server{pos: call.Pos(), call: call, speaks: s.speaks, tls: stateOf(s.tls)}
	pick := func(i int) ast.Expr {
		if i == self {
			return f.receiver(call)
		}
		return argument(call, i)
	}
	addr, handlers := known(pick(s.addr)), known(pick(s.handler))
	noAddr := s.addr >= 0 && len(addr) == 0 // gin's Run()
	fields := map[string][]ast.Expr{}
	if x := pick(s.server); x != nil {
		fields = f.httpServer(x)
		if serving := fields["Handler"]; len(serving) > 0 {
			handlers = serving
		}
		if s.addr == none {
			addr = fields["Addr"]
		}
		noAddr = len(addr) == 0 && s.listener == none
		if noAddr && !f.isMadeHere(x) {
			addr, noAddr = []ast.Expr{&ast.BadExpr{}}, false
		}
	}
	switch {
	case s.option != "":
		out.addrs = []listening{{addr: f.anyOf(f.optionsOf(call, s.option))}}
		if s.health {
			out.health = call
		}
		out.handlers, out.grpc = []origin{call}, []origin{call}
		return out
	case s.toolkit > 0:
		out.addrs = []listening{{addr: f.anyOf(f.toolkitFlags(pick(s.toolkit)))}}
	case s.listener >= 0:
		out.addrs = f.listeners(pick(s.listener))
	case noAddr && s.env != "":
		out.addrs = []listening{{addr: []value{text(":").then(variable(s.env, s.def[1:], call.Pos()))}}}
	case noAddr:
		out.addrs = []listening{{addr: []value{text(s.def)}}}
	default:
		l := listening{unix: s.unix, addr: f.anyOf(addr)}
		for i, v := range l.addr {
			if t, ok := v.plain(); ok && t == "" && s.def != "" {
				l.addr[i] = text(s.def)
			}
		}
		out.addrs = []listening{l}
	}
	if s.speaks == overGRPC {
		out.grpc = f.origins(f.receiver(call))
		return out
	}
	out.handler = handlers
	if len(handlers) == 0 {
		out.handlers = []origin{defaultMux}
	}
	for _, handler := range handlers {
		out.handlers = append(out.handlers, f.answering(handler)...)
		out.grpc = append(out.grpc, f.origins(handler)...)
	}
	out.grpc = append(out.grpc, f.grpcBehind(out.handlers)...)
	out.versions = f.versions(s, pick(s.server), fields, out.handlers)
	return out
}

// isMadeHere reports whether it is known of all that a value may be what its fields are set
// to: a literal, or one whose fields are not set at first.
func (f *flow) isMadeHere(x ast.Expr) bool {
	origins := f.origins(x)
	return len(origins) > 0 && !slices.ContainsFunc(origins, func(o origin) bool {
		switch o := o.(type) {
		case *ast.CompositeLit:
			return false
		case *ast.CallExpr:
			return !isBuiltin(f.info, o, "new")
		case *types.Var:
			_, isStruct := o.Type().Underlying().(*types.Struct)
			return !isStruct
		}
		return true
	})
}

// optionsOf returns the arguments of the options with a name that a call has. Without one
// nothing is known.
func (f *flow) optionsOf(call *ast.CallExpr, name string) (found []ast.Expr) {
	for _, option := range f.optionCalls(call, name) {
		found = append(found, argument(option, 0))
	}
	if len(found) == 0 {
		found = []ast.Expr{&ast.BadExpr{}}
	}
	return found
}

// optionCalls returns the options with a name that a call has, or that are in what it has.
func (f *flow) optionCalls(call *ast.CallExpr, name string) (found []*ast.CallExpr) {
	seen := map[types.Object]bool{}
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f.isCallOf(n, name) {
				found = append(found, n)
				return false
			}
		case *ast.Ident:
			if obj := f.object(n); obj != nil && !seen[obj] {
				seen[obj] = true
				for _, s := range f.from(obj) {
					ast.Inspect(s.expr, look)
				}
			}
		}
		return true
	}
	for _, arg := range call.Args {
		ast.Inspect(arg, look)
	}
	return found
}

// toolkitFlags returns the default that the flags have which Prometheus's exporter toolkit
// adds.
func (f *flow) toolkitFlags(x ast.Expr) (found []ast.Expr) {
	for _, o := range f.origins(x) {
		if call, ok := o.(*ast.CallExpr); ok {
			switch fn := f.callee(call); {
			case fn == nil || fn.Name() != "AddFlags":
			case strings.HasPrefix(packagePath(fn), "github.com/prometheus/exporter-toolkit/web"):
				found = append(found, argument(call, 1))
			}
		}
	}
	if len(found) == 0 {
		found = []ast.Expr{&ast.BadExpr{}}
	}
	return found
}

// known returns a list of an expression, unless that is nil.
func known(x ast.Expr) []ast.Expr {
	if x == nil {
		return nil
	}
	return []ast.Expr{x}
}

// anyOf returns what is one of several expressions.
func (f *flow) anyOf(list []ast.Expr) (out []value) {
	for _, x := range list {
		out = append(out, f.values(x)...)
	}
	return unify(out)
}

// answering returns the handlers of a server: nil stands for the default one.
func (f *flow) answering(handler ast.Expr) []origin {
	if f.info.Types[handler].IsNil() {
		return []origin{defaultMux}
	}
	found := f.handlers(handler)
	if f.unset[f.object(handler)] { // it may be nil
		found = append(found, defaultMux)
	}
	return found
}

// listeners returns where a listener listens, or what it is wrapped around does.
func (f *flow) listeners(x ast.Expr) (found []listening) {
	wrapped := off
	for _, o := range f.handlers(x) {
		call, ok := o.(*ast.CallExpr)
		if !ok {
			continue
		}
		if l, ok := f.listening(call); ok {
			if f.presence(f.sites[call]) != off {
				found = append(found, l)
			}
		} else if f.isCallOf(call, "crypto/tls.NewListener") {
			wrapped = max(wrapped, f.state(f.sites[call].guard))
		}
	}
	for i := range found {
		found[i].tls = max(found[i].tls, wrapped)
	}
	if len(found) == 0 {
		found = []listening{{addr: []value{unknown()}}}
	}
	return found
}
