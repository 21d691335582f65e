package discover

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// An evaluation finds the values of expressions. The parameters of functions that are
// looked into have the values of one call.
type evaluation struct {
	*flow
	params map[types.Object][]value
	active map[any]bool // what is being looked at
	steps  *int         // that have been taken
}

// How many expressions are looked at for one that is asked for, and for all together,
// before what is left counts as unknown: functions that call each other have many ways
// through them.
const (
	maxSteps    = 5_000
	maxAllSteps = 200_000
)

// values returns what an expression may be.
func (f *flow) values(x ast.Expr) []value {
	found, ok := f.valued[x]
	if !ok {
		e := &evaluation{flow: f, active: map[any]bool{}, steps: new(int)}
		found = e.expr(x)
		*f.steps += *e.steps
		f.valued[x] = found
	}
	return slices.Clone(found)
}

func (e *evaluation) expr(x ast.Expr) []value {
	if x == nil {
		return nil
	}
	if c := e.info.Types[x].Value; c != nil {
		return []value{text(constantText(c), e.origin(x))}
	}
	if *e.steps++; *e.steps > maxSteps || *e.flow.steps+*e.steps > maxAllSteps || e.ended() {
		return []value{unknown()}
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident, *ast.SelectorExpr:
		if obj := e.object(x); obj != nil {
			return e.variable(obj)
		}
	case *ast.StarExpr: // a pointer counts as what it points to
		return e.expr(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return e.expr(x.X)
		}
	case *ast.TypeAssertExpr:
		return e.expr(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.ADD && isString(e.info.TypeOf(x)) {
			return product(e.expr(x.X), e.expr(x.Y))
		}
	case *ast.CallExpr:
		return e.call(x, 0)
	case *ast.CompositeLit: // a flag's, with a destination
		return e.cliFlag(x)
	case *ast.IndexExpr:
		return e.elements(x.X, element)
	}
	return []value{unknown()}
}

// origin returns where the value of a constant is written.
func (e *evaluation) origin(x ast.Expr) token.Pos {
	var id *ast.Ident
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	}
	if obj := e.info.Uses[id]; obj != nil && obj.Pkg() != nil && slices.Contains(e.Packages, obj.Pkg().Path()) {
		return obj.Pos()
	}
	return x.Pos()
}

func constantText(c constant.Value) string {
	if c.Kind() == constant.String {
		return constant.StringVal(c)
	}
	return c.ExactString()
}

func isString(t types.Type) bool {
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// variable returns what a variable, a field or a parameter may hold.
func (e *evaluation) variable(obj types.Object) []value {
	if v, ok := e.params[obj]; ok {
		return v
	}
	if e.active[obj] {
		return nil
	}
	e.active[obj] = true
	defer delete(e.active, obj)
	out, separate := e.assigned(obj)
	if separate {
		return apart(out)
	}
	// A value that a library fills in wins over the one in the source.
	if filled := e.filled(obj); len(filled) > 0 {
		out = append(filled, out...)
	}
	if len(out) == 0 || len(out) > maxValues {
		return []value{unknown()}
	}
	return unify(out)
}

// assigned returns what the source puts into a variable, a field or a parameter; separate
// is true if that is of several callers, or several objects.
func (e *evaluation) assigned(obj types.Object) (out []value, separate bool) {
	sources := e.from(obj)
	count := map[from]int{}
	for _, s := range sources {
		count[s.from]++
	}
	// A default stands in for what is empty, whatever that is.
	defaults := slices.ContainsFunc(sources, func(s source) bool { return e.isDefault(obj, s) })
	var doubtful, standIns []value
	for _, s := range sources {
		if e.isOfItself(obj, s) {
			continue
		}
		for _, v := range e.source(s) {
			_, plain := v.plain()
			switch {
			case e.isDefault(obj, s):
				standIns = append(standIns, v)
				continue
			case plain && s.from == assigned && e.state(s.guard) == off:
				doubtful = append(doubtful, v)
				continue
			case v.isUnknown() && (s.from == byDecoding || defaults):
				v.either = true
			}
			out = append(out, v)
		}
	}
	out = standIn(out, standIns)
	if len(out) == 0 {
		out = doubtful
	}
	out = e.changed(obj, sources, out)
	return out, len(out) > 0 && (count[byCaller] > 1 || count[byLiteral] > 1) && len(distinct(out)) > 1
}

// standIn returns values with what stands in for those that are empty: of nothing if none
// is, and of a flag's default if that is.
func standIn(values, standIns []value) []value {
	mayBeEmpty := func(v value) bool { s, plain := v.plain(); return !plain || s == "" }
	if len(values) > 0 && !slices.ContainsFunc(values, mayBeEmpty) {
		return values
	}
	isFlag := slices.ContainsFunc(values, func(v value) bool { return v.flag })
	for _, v := range standIns {
		v.flag = v.flag || isFlag
		values = append(values, v)
	}
	return values
}

// changed returns what becomes of a variable where something is made of it and put into
// it again, as port = ":" + port does.
func (e *evaluation) changed(obj types.Object, sources []source, is []value) []value {
	for _, s := range sources {
		if !e.isOfItself(obj, s) {
			continue
		}
		inner := &evaluation{flow: e.flow, params: maps.Clone(e.params), active: e.active, steps: e.steps}
		if inner.params == nil {
			inner.params = map[types.Object][]value{}
		}
		inner.params[obj] = unify(is)
		next := inner.source(s)
		if s.guard == nil || e.state(s.guard) == on {
			is = next
		} else {
			is = append(is, next...)
		}
	}
	return is
}

// isOfItself reports whether what is put into a variable is made of that.
func (f *flow) isOfItself(obj types.Object, s source) (found bool) {
	if v, ok := obj.(*types.Var); !ok || v.IsField() || s.from != assigned || s.call != nil {
		return false
	}
	ast.Inspect(s.expr, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && f.info.Uses[id] == obj
		return !found
	})
	return found
}

// isDefault reports whether something is put into a variable where that is empty.
func (f *flow) isDefault(obj types.Object, s source) bool {
	for g := s.guard; g != nil; g = g.outer {
		if f.asksEmpty(obj, g) {
			return true
		}
	}
	return false
}

// asksEmpty reports whether a guard wants a variable to be empty.
func (f *flow) asksEmpty(obj types.Object, g *guard) bool {
	if g.cond == nil {
		return false
	}
	cond, ok := ast.Unparen(g.cond).(*ast.BinaryExpr)
	if !ok || g.holds && cond.Op != token.EQL || !g.holds && cond.Op != token.NEQ {
		return false
	}
	asked := ast.Unparen(cond.X)
	if call, ok := asked.(*ast.CallExpr); ok && len(call.Args) == 1 {
		asked = call.Args[0]
	}
	word := f.word(cond.Y)
	return f.object(asked) == obj && (word == "" || word == "0")
}

func (e *evaluation) source(s source) []value {
	switch {
	case s.part == key || s.part == element:
		return e.elements(s.expr, s.part)
	case s.part == member:
		return e.expr(s.expr)
	case s.call != nil:
		return e.through(s)
	}
	if call, ok := ast.Unparen(s.expr).(*ast.CallExpr); ok {
		return e.call(call, s.index)
	}
	if s.index > 0 {
		return []value{unknown()}
	}
	return e.expr(s.expr)
}

// through returns what a function puts where one of its parameters points to, in one
// call of it.
func (e *evaluation) through(s source) (out []value) {
	param, decl := e.object(s.expr), e.decls[e.callee(s.call)]
	if param == nil || decl == nil || e.active[decl] {
		return nil
	}
	e.active[decl] = true
	defer delete(e.active, decl)
	inner := &evaluation{flow: e.flow, params: e.arguments(decl, s.call), active: e.active, steps: e.steps}
	for _, put := range e.from(param) {
		if put.from != byCaller {
			out = append(out, inner.source(put)...)
		}
	}
	return unify(out)
}

// arguments returns what the parameters of a function are in one call of it.
func (e *evaluation) arguments(decl *ast.FuncDecl, call *ast.CallExpr) map[types.Object][]value {
	params := map[types.Object][]value{}
	i := 0
	for _, field := range decl.Type.Params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		for _, name := range field.Names {
			if i < len(call.Args) && !variadic && isText(e.info.TypeOf(name)) {
				params[e.info.Defs[name]] = e.expr(call.Args[i])
			}
			i++
		}
	}
	return params
}

// elements returns what a list or map may be made of.
func (e *evaluation) elements(x ast.Expr, want part) (out []value) {
	switch x := ast.Unparen(x).(type) {
	case *ast.CompositeLit:
		for _, elt := range x.Elts {
			kv, isPair := elt.(*ast.KeyValueExpr)
			switch {
			case isPair && want == key:
				elt = kv.Key
			case isPair:
				elt = kv.Value
			case want == key:
				continue // an index
			}
			out = append(out, e.expr(elt)...)
		}
	case *ast.Ident, *ast.SelectorExpr:
		obj := e.object(x)
		if obj == nil || e.active[obj] {
			return nil
		}
		e.active[obj] = true
		defer delete(e.active, obj)
		for _, s := range e.from(obj) {
			if s.part == member {
				out = append(out, e.expr(s.expr)...)
			} else {
				out = append(out, e.elements(s.expr, want)...)
			}
		}
	case *ast.CallExpr:
		if fn := e.callee(x); fn == nil && len(x.Args) > 0 { // append(list, …)
			out = e.elements(x.Args[0], want)
			for _, arg := range x.Args[1:] {
				out = append(out, e.expr(arg)...)
			}
		}
	}
	if len(out) == 0 {
		return []value{unknown()}
	}
	return out
}

// inline returns what a function of the app's own returns for the arguments of a call.
func (e *evaluation) inline(decl *ast.FuncDecl, call *ast.CallExpr, index int) (out []value) {
	if e.active[decl] || decl.Body == nil {
		return nil
	}
	inner := &evaluation{flow: e.flow, params: e.arguments(decl, call), active: e.active, steps: e.steps}
	e.active[decl] = true
	defer delete(e.active, decl)
	for _, ret := range e.returns[decl] {
		switch {
		case index < len(ret.Results) && len(ret.Results) > 0 && !(len(ret.Results) == 1 && index > 0):
			out = append(out, inner.expr(ret.Results[index])...)
		case len(ret.Results) == 0 && decl.Type.Results != nil:
			if name := resultName(decl, index); name != nil {
				out = append(out, inner.expr(name)...)
			}
		}
	}
	return unify(out)
}

// isText reports whether values of a type are followed through functions.
func isText(t types.Type) bool {
	if t == nil {
		return false
	}
	switch t := t.Underlying().(type) {
	case *types.Basic:
		return t.Info()&(types.IsString|types.IsInteger|types.IsBoolean) != 0
	case *types.Interface: // a type parameter's constraint, too
		return true
	}
	return false
}

func resultName(decl *ast.FuncDecl, index int) *ast.Ident {
	i := 0
	for _, field := range decl.Type.Results.List {
		for _, name := range field.Names {
			if i == index {
				return name
			}
			i++
		}
	}
	return nil
}
