package discover

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A flow says what is put into variables, fields and parameters anywhere in the app. It
// knows nothing of the order in which that happens.
type flow struct {
	*App
	sources map[types.Object][]source
	returns map[ast.Node][]*ast.ReturnStmt // of a FuncDecl or FuncLit
	assigns map[types.Object][]assignment  // to fields, by what they are fields of
	tags    map[types.Object]string        // of fields
	calls   []*ast.CallExpr                // in the order of the source
	unset   map[types.Object]bool          // variables that are declared without a value
	options options
}

// A source is one expression that is put into something.
type source struct {
	expr  ast.Expr
	index int // of the result, if expr is a call with several
	part  part
}

// part tells whether a source is put there itself, or what it is made of.
type part int

const (
	itself  part = iota
	key          // of a map, or the index of a list
	element      // of a map or list
	member       // one of several that make a list
)

// An assignment sets a field of a value that is there.
type assignment struct{ base, value ast.Expr }

func (a *App) follow() *flow {
	f := &flow{
		App:     a,
		sources: map[types.Object][]source{},
		returns: map[ast.Node][]*ast.ReturnStmt{},
		assigns: map[types.Object][]assignment{},
		tags:    map[types.Object]string{},
		unset:   map[types.Object]bool{},
		options: newOptions(),
	}
	for _, file := range a.files {
		ast.Inspect(file, f.readTags)
	}
	for _, body := range a.bodies {
		f.walk(body, body)
	}
	for _, call := range f.calls {
		f.bind(call)
		f.readOption(call)
	}
	return f
}

func (f *flow) readTags(n ast.Node) bool {
	if field, ok := n.(*ast.Field); ok && field.Tag != nil {
		for _, name := range field.Names {
			if obj := f.info.Defs[name]; obj != nil {
				f.tags[obj] = field.Tag.Value
			}
		}
	}
	return true
}

// walk reads the statements of a function, those of functions within it as theirs.
func (f *flow) walk(n, function ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			if n != function {
				f.walk(n, n)
				return false
			}
		case *ast.ReturnStmt:
			f.returns[function] = append(f.returns[function], n)
		case *ast.AssignStmt:
			if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
				f.assign(n.Lhs, n.Rhs)
			} else {
				f.put(n.Lhs[0], source{expr: &ast.BadExpr{}}) // += and the like
			}
		case *ast.IncDecStmt:
			f.put(n.X, source{expr: &ast.BadExpr{}})
		case *ast.ValueSpec:
			lhs := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				lhs[i] = name
				f.unset[f.info.Defs[name]] = len(n.Values) == 0
			}
			f.assign(lhs, n.Values)
		case *ast.RangeStmt:
			f.put(n.Key, source{expr: n.X, part: key})
			f.put(n.Value, source{expr: n.X, part: element})
		case *ast.CompositeLit:
			f.literal(n)
		case *ast.CallExpr:
			f.calls = append(f.calls, n)
		}
		return true
	})
}

func (f *flow) assign(lhs, rhs []ast.Expr) {
	for i, to := range lhs {
		switch {
		case len(rhs) == len(lhs):
			f.put(to, source{expr: rhs[i]})
		case len(rhs) == 1:
			f.put(to, source{expr: rhs[0], index: i})
		}
	}
}

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
			f.assigns[field] = append(f.assigns[field], assignment{x.X, s.expr})
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
		f.sources[field] = append(f.sources[field], source{expr: value})
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
			if recv, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && decl.Recv != nil {
				f.bindParams(decl.Recv, []ast.Expr{recv.X})
			}
			f.bindParams(decl.Type.Params, call.Args)
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
		f.bindParams(lit.Type.Params, call.Args)
	}
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
			for _, s := range f.sources[obj] {
				lits = append(lits, f.functions(s.expr, depth+1)...)
			}
		}
	}
	return lits
}

func (f *flow) bindParams(params *ast.FieldList, args []ast.Expr) {
	i := 0
	for _, field := range params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		for _, name := range field.Names {
			switch {
			case variadic:
				for _, arg := range args[min(i, len(args)):] {
					f.put(name, source{expr: arg, part: member})
				}
			case i < len(args):
				f.put(name, source{expr: args[i]})
				if to, ok := ast.Unparen(args[i]).(*ast.UnaryExpr); ok && to.Op == token.AND && isText(f.info.TypeOf(to.X)) {
					f.put(to.X, source{expr: name}) // what the function puts there
				}
			case len(args) == 1: // f(g()), with several results
				f.put(name, source{expr: args[0], index: i})
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
			return sel.X
		}
	}
	return nil
}
