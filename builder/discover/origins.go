package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// An origin is where a server, a router or a listener comes from: the literal or the
// call that makes it, or the variable that is one.
type origin any

// defaultMux stands for http.DefaultServeMux.
const defaultMux = "http.DefaultServeMux"

// A tracer follows a value to its origins.
type tracer struct {
	*flow
	inside bool // what others are wrapped around counts, too
	found  []origin
	seen   map[any]bool
	active map[*ast.FuncDecl]bool // whose results are being followed
}

// origins returns where the value of an expression comes from.
func (f *flow) origins(x ast.Expr) []origin { return f.trace(x, 0, false) }

// handlers returns the origins of a handler, and of those that it passes requests on to;
// likewise of a listener.
func (f *flow) handlers(x ast.Expr) []origin { return f.trace(x, 0, true) }

// results returns where one of the results of an expression comes from.
func (f *flow) results(x ast.Expr, index int) []origin { return f.trace(x, index, false) }

// A traceKey is what a trace is for.
type traceKey struct {
	expr   ast.Expr
	index  int
	inside bool
}

func (f *flow) trace(x ast.Expr, index int, inside bool) []origin {
	key := traceKey{x, index, inside}
	found, ok := f.traced[key]
	if !ok {
		t := &tracer{flow: f, inside: inside, seen: map[any]bool{}, active: map[*ast.FuncDecl]bool{}}
		t.expr(x, index)
		found = slices.Clip(t.found)
		f.traced[key] = found
	}
	return found
}

func (t *tracer) add(o origin) {
	if !t.seen[o] {
		t.seen[o] = true
		t.found = append(t.found, o)
	}
}

func (t *tracer) expr(x ast.Expr, index int) {
	if t.ended() {
		return
	}
	x = ast.Unparen(x)
	switch x := x.(type) {
	case nil:
	case *ast.Ident, *ast.SelectorExpr:
		t.name(x)
	case *ast.StarExpr:
		t.expr(x.X, 0)
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			t.expr(x.X, 0)
		}
	case *ast.TypeAssertExpr:
		t.expr(x.X, 0)
	case *ast.IndexExpr:
		t.expr(x.X, 0)
	case *ast.CompositeLit:
		t.literal(x)
	case *ast.FuncLit:
		t.add(x)
		t.body(x.Body)
	case *ast.CallExpr:
		t.call(x, index)
	}
}

// name follows what a name stands for.
func (t *tracer) name(x ast.Expr) {
	obj := t.object(x)
	if obj == nil {
		if fn := t.function(x); fn != nil {
			t.add(fn)
			if decl := t.decls[fn]; decl != nil {
				t.body(decl.Body)
			}
		}
		return
	}
	if obj.Name() == "DefaultServeMux" && packagePath(obj) == "net/http" {
		t.add(defaultMux)
		return
	}
	key := any(obj)
	if s, ok := t.only[obj]; ok { // a parameter, in one call
		key = [2]any{obj, s.expr}
	}
	if t.seen[key] {
		return
	}
	if len(t.from(obj)) == 0 {
		t.add(obj)
		if named := namedType(obj.Type()); t.inside && named != nil {
			t.add(named.Obj())
		}
		return
	}
	t.seen[key] = true
	outer := t.flow
	for _, s := range t.from(obj) {
		if s.from == byCaller {
			t.flow = outer.caller(obj)
		}
		t.expr(s.expr, s.index)
		t.flow = outer
	}
}

// function returns the function that a name stands for, or nil.
func (t *tracer) function(x ast.Expr) *types.Func {
	var id *ast.Ident
	switch x := x.(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	}
	fn, _ := t.info.Uses[id].(*types.Func)
	if fn == nil {
		return nil
	}
	return fn.Origin()
}

// literal finds, in a handler of the app's own, the routers that it holds.
func (t *tracer) literal(lit *ast.CompositeLit) {
	if t.seen[lit] {
		return
	}
	t.add(lit)
	named := namedType(t.info.TypeOf(lit))
	if !t.inside || named == nil {
		return
	}
	t.add(named.Obj())
	st, ok := named.Underlying().(*types.Struct)
	if !ok || !t.isOwn(named.Obj()) {
		return
	}
	for field := range st.Fields() {
		if isRouter(field.Type()) || isHandler(field.Type()) {
			for _, s := range t.from(field.Origin()) {
				t.expr(s.expr, s.index)
			}
		}
	}
}

func (f *flow) isOwn(obj types.Object) bool {
	for _, path := range f.Packages {
		if obj.Pkg() != nil && obj.Pkg().Path() == path {
			return true
		}
	}
	return false
}

// body finds the handlers that a handler calls.
func (t *tracer) body(body *ast.BlockStmt) {
	if !t.inside || body == nil {
		return
	}
	for _, call := range t.handed(body) {
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "ServeHTTP" {
			t.expr(sel.X, 0)
		} else if fn := t.callee(call); !t.seen[t.decls[fn]] {
			t.seen[t.decls[fn]] = true
			t.add(fn)
			t.body(t.decls[fn].Body)
		}
	}
}

// handed returns the calls in a body that hand on a request, to what answers it.
func (f *flow) handed(body *ast.BlockStmt) (calls []*ast.CallExpr) {
	calls, ok := f.handing[body]
	if ok {
		return calls
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			sel, isSel := call.Fun.(*ast.SelectorExpr)
			decl := f.decls[f.callee(call)]
			if isSel && sel.Sel.Name == "ServeHTTP" || decl != nil && f.isHandling(decl.Type) {
				calls = append(calls, call)
			}
		}
		return true
	})
	f.handing[body] = calls
	return calls
}

// call follows what a function of the app's own returns. What others return begins
// with the call.
func (t *tracer) call(call *ast.CallExpr, index int) {
	if tv := t.info.Types[call.Fun]; tv.IsType() {
		for _, arg := range call.Args {
			t.expr(arg, 0)
		}
		return
	}
	if t.seen[call] {
		return
	}
	fn := t.callee(call)
	decl := t.decls[fn]
	if fn == nil || decl == nil {
		t.add(call)
		if t.inside {
			t.wrapped(call)
		}
		return
	}
	t.seen[call] = true
	if t.active[decl] || len(t.active) > maxDepth {
		return
	}
	t.active[decl] = true
	outer := t.flow
	t.flow = outer.in(decl, call)
	defer func() { t.flow = outer; delete(t.active, decl) }()
	for _, ret := range t.returns[decl] {
		switch {
		case index < len(ret.Results):
			t.expr(ret.Results[index], 0)
		case len(ret.Results) == 1:
			t.expr(ret.Results[0], index)
		case decl.Type.Results != nil:
			if name := resultName(decl, index); name != nil {
				t.name(name)
			}
		}
	}
}

// wrapped follows what a call takes that it may pass on to: handlers and listeners.
func (t *tracer) wrapped(call *ast.CallExpr) {
	for _, arg := range call.Args {
		if typ := t.info.TypeOf(arg); typ != nil && (isHandler(typ) || isRouter(typ) || isListener(typ)) {
			t.expr(arg, 0)
		}
	}
	if recv := t.receiver(call); recv != nil {
		if typ := t.info.TypeOf(recv); typ != nil && (isHandler(typ) || isRouter(typ)) {
			t.expr(recv, 0)
		}
	}
	if lit := t.functions(call.Fun, 0); len(lit) > 0 {
		for _, l := range lit {
			t.expr(l, 0)
		}
	}
}

// hasMethod reports whether a type, or a pointer to it, has a method.
func hasMethod(t types.Type, name string) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
	_, ok := obj.(*types.Func)
	return ok
}

func isHandler(t types.Type) bool {
	if hasMethod(t, "ServeHTTP") {
		return true
	}
	_, isFunc := t.Underlying().(*types.Signature)
	return isFunc
}

func isListener(t types.Type) bool { return hasMethod(t, "Accept") && hasMethod(t, "Addr") }

// intersect reports whether two values may be the same.
func intersect(a, b []origin) bool {
	return slices.ContainsFunc(a, func(o origin) bool { return slices.Contains(b, o) })
}
