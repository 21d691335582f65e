package discover

import (
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
)

// A flow says what is put into variables, fields and parameters anywhere in the app. It
// knows nothing of the order in which that happens.
type flow struct {
	*App
	ctx      context.Context
	sources  map[types.Object][]source
	returns  map[ast.Node][]*ast.ReturnStmt     // of a FuncDecl or FuncLit
	assigns  map[types.Object][]assignment      // to fields, by what they are fields of
	tags     map[types.Object]reflect.StructTag // of fields
	within   map[types.Object]*types.Struct     // that a field is one of
	holders  map[*types.Struct][]*types.Var     // fields that are such a struct
	calls    []*ast.CallExpr                    // in the order of the source
	names    map[*ast.CallExpr]string           // of the functions that are called, whole
	routing  map[*ast.CallExpr]bool             // whether a call is one of a router's package
	unset    map[types.Object]bool              // variables that are declared without a value
	sites    map[ast.Node]site                  // of calls
	uses     map[*types.Func][]site             // of functions of the app's own
	callers  map[*types.Func][]*ast.CallExpr
	options  options
	handing  map[*ast.BlockStmt][]*ast.CallExpr // what handlers call that may answer
	embedded map[*types.Selection]ast.Expr      // what methods are called on that their receivers have from embedded fields
	steps    *int                               // that evaluations have taken

	deciding map[*ast.FuncDecl]bool // what conditions are being looked at in

	// Of a flow that is that of one call of a function: what its parameters are, and the
	// flow that the call is in.
	only  map[types.Object]source
	outer *flow
	memo
}

// A memo keeps what was found out.
type memo struct {
	traced map[traceKey][]origin
	valued map[ast.Expr][]value
	states map[*guard]state
	runs   map[*ast.FuncDecl]state
}

func newMemo() memo {
	return memo{map[traceKey][]origin{}, map[ast.Expr][]value{}, map[*guard]state{}, map[*ast.FuncDecl]state{}}
}

// A source is one expression that is put into something.
type source struct {
	expr  ast.Expr
	index int // of the result, if expr is a call with several
	part  part
	from  from
	guard *guard        // under which it is put there
	call  *ast.CallExpr // that puts it there, through a pointer
}

// from tells what puts a source where it goes.
type from int

const (
	assigned   from = iota
	byCaller        // of a function, for a parameter
	byLiteral       // of a struct, for a field
	byDecoding      // of a file or a message, if there is one
)

// part reports whether a source is put there itself, or what it is made of.
type part int

const (
	itself  part = iota
	key          // of a map, or the index of a list
	element      // of a map or list
	member       // one of several that make a list
)

// An assignment sets a field of a value that is there.
type assignment struct {
	base  ast.Expr
	field *types.Selection // or nil
	value ast.Expr
}

func (a *App) follow(ctx context.Context) *flow {
	f := &flow{
		App:      a,
		ctx:      ctx,
		sources:  map[types.Object][]source{},
		returns:  map[ast.Node][]*ast.ReturnStmt{},
		assigns:  map[types.Object][]assignment{},
		tags:     map[types.Object]reflect.StructTag{},
		within:   map[types.Object]*types.Struct{},
		holders:  map[*types.Struct][]*types.Var{},
		embedded: map[*types.Selection]ast.Expr{},
		unset:    map[types.Object]bool{},
		names:    map[*ast.CallExpr]string{},
		routing:  map[*ast.CallExpr]bool{},
		sites:    map[ast.Node]site{},
		uses:     map[*types.Func][]site{},
		callers:  map[*types.Func][]*ast.CallExpr{},
		options:  newOptions(),
		handing:  map[*ast.BlockStmt][]*ast.CallExpr{},
		steps:    new(int),
		deciding: map[*ast.FuncDecl]bool{},
		memo:     newMemo(),
	}
	for _, file := range a.files {
		ast.Inspect(file, f.readTags)
	}
	for _, body := range a.bodies {
		decl, _ := body.(*ast.FuncDecl)
		w := &walker{flow: f, function: body, site: site{in: decl}}
		w.walk(body)
	}
	f.name()
	for _, call := range f.calls {
		f.bind(call)
		f.readOption(call)
	}
	return f
}

// name notes which functions are called.
func (f *flow) name() {
	names, routing := map[*types.Func]string{}, map[*types.Func]bool{}
	for _, call := range f.calls {
		fn := f.callee(call)
		if fn == nil {
			continue
		}
		if _, ok := names[fn]; !ok {
			names[fn], routing[fn] = fullName(fn), slices.Contains(routers(), packagePath(fn))
		}
		f.names[call], f.routing[call] = names[fn], routing[fn]
	}
}

// from returns what is put into a variable, a field or a parameter.
func (f *flow) from(obj types.Object) []source {
	for g := f; g != nil; g = g.outer {
		if s, ok := g.only[obj]; ok {
			return []source{s}
		}
	}
	return f.sources[obj]
}

// ended reports whether nobody waits for what is found any more.
func (f *flow) ended() bool { return f.ctx.Err() != nil }

// put says that a source goes to where an expression leads.
func (f *flow) put(to ast.Expr, s source) {
	if to == nil {
		return
	}
	switch x := ast.Unparen(to).(type) {
	case *ast.StarExpr:
		f.put(x.X, s)
		return
	case *ast.IndexExpr: // of a map or list
		s.part = member
		f.put(x.X, s)
		return
	case *ast.SelectorExpr:
		if field := f.object(x); field != nil && s.part == itself {
			f.assigns[field] = append(f.assigns[field], assignment{x.X, f.info.Selections[x], s.expr})
		}
	}
	if obj := f.object(to); obj != nil {
		f.sources[obj] = append(f.sources[obj], s)
	}
}

// object returns the variable or field that an expression names, or nil.
func (f *flow) object(x ast.Expr) types.Object {
	var obj types.Object
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		if obj = f.info.Defs[x]; obj == nil {
			obj = f.info.Uses[x]
		}
	case *ast.SelectorExpr:
		obj = f.info.Uses[x.Sel]
	case *ast.StarExpr:
		return f.object(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return f.object(x.X)
		}
	}
	if v, ok := obj.(*types.Var); ok && v.Name() != "_" {
		return v.Origin()
	}
	return nil
}

// literal reads what the fields of a struct are set to.
func (f *flow) literal(lit *ast.CompositeLit) {
	for field, value := range f.fields(lit) {
		f.sources[field] = append(f.sources[field], source{expr: value, from: byLiteral})
	}
	f.readCLIFlag(lit)
}

// fields yields the fields that a struct's literal sets.
func (f *flow) fields(lit *ast.CompositeLit) func(yield func(*types.Var, ast.Expr) bool) {
	return func(yield func(*types.Var, ast.Expr) bool) {
		t := f.info.TypeOf(lit)
		if t == nil {
			return
		}
		if p, ok := t.Underlying().(*types.Pointer); ok { // an element of a list of pointers
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return
		}
		for i, elt := range lit.Elts {
			var field *types.Var
			value := elt
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				id, _ := kv.Key.(*ast.Ident)
				field, _ = f.info.Uses[id].(*types.Var)
				value = kv.Value
			} else if i < st.NumFields() {
				field = st.Field(i)
			}
			if field != nil && !yield(field.Origin(), value) {
				return
			}
		}
	}
}

// bind puts the arguments of a call into the parameters of the function.
func (f *flow) bind(call *ast.CallExpr) {
	if fn := f.callee(call); fn != nil {
		if decl := f.decls[fn]; decl != nil {
			f.callers[fn] = append(f.callers[fn], call)
			f.eachArgument(decl, call, func(to ast.Expr, s source) { f.put(to, s) })
			return
		}
		f.bindCallbacks(call)
		if isDecoder(fn) {
			for _, arg := range call.Args {
				f.fill(arg)
			}
		}
		return
	}
	for _, lit := range f.functions(call.Fun, 0) {
		f.eachParam(lit.Type.Params, call, call.Args, func(to ast.Expr, s source) { f.put(to, s) })
	}
}

// eachArgument says what a call puts into the receiver and the parameters of a function,
// and through pointers into what is called with.
func (f *flow) eachArgument(decl *ast.FuncDecl, call *ast.CallExpr, put func(to ast.Expr, s source)) {
	if recv, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && decl.Recv != nil {
		f.eachParam(decl.Recv, call, []ast.Expr{recv.X}, put)
	}
	f.eachParam(decl.Type.Params, call, call.Args, put)
}

// bindCallbacks takes for a router's own call of a function with a router, as in
// r.Route("/v1", func(r chi.Router) {…}), what is called.
func (f *flow) bindCallbacks(call *ast.CallExpr) {
	if !f.isRouting(call) {
		return
	}
	for _, arg := range call.Args {
		for _, lit := range f.functions(arg, 0) {
			for _, p := range lit.Type.Params.List {
				if t := f.info.TypeOf(p.Type); len(p.Names) == 1 && t != nil && isRouter(t) {
					f.put(p.Names[0], source{expr: call})
				}
			}
		}
	}
}

// functions returns the functions that an expression may be, those that have no name.
func (f *flow) functions(x ast.Expr, depth int) (lits []*ast.FuncLit) {
	switch x := ast.Unparen(x).(type) {
	case *ast.FuncLit:
		return []*ast.FuncLit{x}
	case *ast.Ident, *ast.SelectorExpr:
		if obj := f.object(x); obj != nil && depth < 3 {
			for _, s := range f.from(obj) {
				lits = append(lits, f.functions(s.expr, depth+1)...)
			}
		}
	}
	return lits
}

func (f *flow) eachParam(params *ast.FieldList, call *ast.CallExpr, args []ast.Expr, put func(to ast.Expr, s source)) {
	i, at := 0, f.sites[call].guard
	for _, field := range params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		for _, name := range field.Names {
			switch {
			case variadic:
				for _, arg := range args[min(i, len(args)):] {
					put(name, source{expr: arg, part: member, from: byCaller, guard: at})
				}
			case i < len(args):
				put(name, source{expr: args[i], from: byCaller, guard: at})
				if to, ok := ast.Unparen(args[i]).(*ast.UnaryExpr); ok && to.Op == token.AND && isText(f.info.TypeOf(to.X)) {
					put(to.X, source{expr: name, call: call, guard: at}) // what the function puts there
				}
			case len(args) == 1: // f(g()), with several results
				put(name, source{expr: args[0], index: i, from: byCaller, guard: at})
			}
			i++
		}
		if len(field.Names) == 0 {
			i++
		}
	}
}

// callee returns the function that a call names, or nil.
func (f *flow) callee(call *ast.CallExpr) *types.Func {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	var id *ast.Ident
	switch x := fun.(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	}
	fn, _ := f.info.Uses[id].(*types.Func)
	if fn == nil {
		return nil
	}
	return fn.Origin()
}

// receiver returns what the method of a call is called on, or nil.
func (f *flow) receiver(call *ast.CallExpr) ast.Expr {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := f.info.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			return f.promoted(sel.X, s)
		}
	}
	return nil
}
