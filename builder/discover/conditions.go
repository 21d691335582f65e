package discover

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// A state reports whether something is so, if nobody says anything to the app: no flag, no
// variable, no file.
type state int

const (
	off state = iota
	maybe
	on
)

func (s state) not() state { return on - s }

func stateOf(holds bool) state {
	if holds {
		return on
	}
	return off
}

// state returns whether what is under a guard, and those around it, runs.
func (f *flow) state(g *guard) state {
	if g == nil {
		return on
	}
	if s, ok := f.states[g]; ok {
		return s
	}
	f.states[g] = maybe // for a condition that depends on itself
	s := f.state(g.outer)
	if s != off && !f.isUsual(g) {
		own := maybe
		if g.cond != nil {
			own = f.holds(g.cond)
		}
		if !g.holds {
			own = own.not()
		}
		s = min(s, own)
	}
	f.states[g] = s
	return s
}

// isUsual reports whether a guard asks for nothing that is worth a thought: whether all
// went well so far, or what the app was called with, which is what it takes to have it
// serve at all.
func (f *flow) isUsual(g *guard) bool {
	if g.cond == nil {
		return false
	}
	return f.isOfArguments(g.cond, 0)
}

// isOfArguments reports whether an expression is about errors, or what the app was called
// with, or made of that.
func (f *flow) isOfArguments(x ast.Expr, depth int) (found bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if !ok || found {
			return !found
		}
		switch x := x.(type) {
		case *ast.FuncLit, *ast.CompositeLit:
			return false
		case *ast.CallExpr:
			switch fn := f.callee(x); {
			case fn == nil:
			case packagePath(fn) == "errors", packagePath(fn) == "flag" && slices.Contains([]string{"NArg", "Arg", "Args", "NFlag"}, fn.Name()):
				found = true
			}
			return !found
		}
		obj := f.object(x)
		switch {
		case obj == nil:
		case packagePath(obj) == "os" && obj.Name() == "Args" || isError(obj.Type()):
			found = true
		case depth < 3:
			for _, s := range f.from(obj) {
				found = found || f.isOfArguments(s.expr, depth+1)
			}
		}
		_, isField := x.(*ast.SelectorExpr) // which what it is a field of says nothing about
		return !found && !(isField && obj != nil)
	})
	return found
}

func isError(t types.Type) bool {
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

// holds returns whether a condition does.
func (f *flow) holds(x ast.Expr) state {
	if c := f.info.Types[x].Value; c != nil && c.Kind() == constant.Bool {
		return stateOf(constant.BoolVal(c))
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return f.holds(x.X).not()
		}
	case *ast.BinaryExpr:
		return f.compares(x)
	case *ast.StarExpr, *ast.Ident, *ast.SelectorExpr, *ast.CallExpr:
		if s, ok := f.isPresent(x); ok {
			return s
		}
		if s, ok := f.decided(x); ok {
			return s
		}
		if s, ok := f.usually(x); ok {
			holds, err := strconv.ParseBool(s)
			return stateOf(err == nil && holds)
		}
	}
	return maybe
}

// decided returns whether a condition holds that is put into a variable, or that a
// function returns: one condition, by way of others.
func (f *flow) decided(x ast.Expr) (s state, ok bool) {
	index := 0
	if obj := f.object(x); obj != nil {
		sources := f.from(obj)
		if len(sources) != 1 || sources[0].part != itself || sources[0].from == byDecoding {
			return maybe, false
		}
		x, index = sources[0].expr, sources[0].index
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.BinaryExpr, *ast.UnaryExpr:
		return f.holds(x), true
	case *ast.CallExpr:
		decl := f.decls[f.callee(x)]
		if decl == nil || len(f.returns[decl]) != 1 || f.deciding[decl] {
			break
		}
		f.deciding[decl] = true
		defer delete(f.deciding, decl)
		ret := f.returns[decl][0]
		switch {
		case index < len(ret.Results):
			return f.in(decl, x).holds(ret.Results[index]), true
		case len(ret.Results) == 0:
			if name := resultName(decl, index); name != nil {
				return f.in(decl, x).holds(name), true
			}
		}
	}
	return maybe, false
}

func (f *flow) compares(x *ast.BinaryExpr) state {
	switch x.Op {
	case token.LAND:
		return min(f.holds(x.X), f.holds(x.Y))
	case token.LOR:
		return max(f.holds(x.X), f.holds(x.Y))
	case token.EQL:
		return f.equal(x.X, x.Y)
	case token.NEQ:
		return f.equal(x.X, x.Y).not()
	case token.GTR: // len(list) > 0
		if f.word(x.Y) == "0" {
			return f.equal(x.X, x.Y).not()
		}
	}
	return maybe
}

func (f *flow) equal(x, y ast.Expr) state {
	if f.info.Types[x].IsNil() {
		x, y = y, x
	}
	if f.info.Types[y].IsNil() {
		return f.isNil(x)
	}
	if call, ok := ast.Unparen(x).(*ast.CallExpr); ok && f.word(y) == "0" && len(call.Args) == 1 && isBuiltin(f.info, call, "len") {
		s, known := f.usually(call.Args[0])
		if !known {
			return maybe
		}
		return stateOf(s == "")
	}
	a, okA := f.usually(x)
	b, okB := f.usually(y)
	if !okA || !okB {
		return maybe
	}
	return stateOf(a == b)
}

func isBuiltin(info *types.Info, call *ast.CallExpr, name string) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := info.Uses[id].(*types.Builtin)
	return ok && b.Name() == name
}

// isNil returns whether a pointer or the like is nil: it is if nothing is put into it.
func (f *flow) isNil(x ast.Expr) state {
	obj := f.object(x)
	if obj == nil {
		return maybe
	}
	sources := f.from(obj)
	for _, s := range sources {
		if !f.info.Types[s.expr].IsNil() {
			return maybe
		}
	}
	if len(sources) > 0 || f.isZero(obj) {
		return on
	}
	return maybe
}

// isPresent returns whether a variable is set, for a name that says so: ok, of
// os.LookupEnv.
func (f *flow) isPresent(x ast.Expr) (s state, ok bool) {
	obj := f.object(x)
	if obj == nil {
		return maybe, false
	}
	for _, s := range f.from(obj) {
		if call, isCall := ast.Unparen(s.expr).(*ast.CallExpr); isCall && s.index == 1 && f.isCallOf(call, "os.LookupEnv") {
			return off, true
		}
	}
	return maybe, false
}

// usually returns what an expression is if nobody says anything to the app: a flag is
// its default, and a variable is not set.
func (f *flow) usually(x ast.Expr) (s string, ok bool) {
	if obj := f.object(x); obj != nil && f.isZero(obj) {
		return zero(obj.Type())
	}
	values := f.values(x)
	if len(values) == 0 {
		return "", false
	}
	for i, v := range values {
		var is string
		for _, p := range v.pieces {
			if p.unknown || v.doubt {
				return "", false
			}
			is += p.text + p.def
		}
		if i > 0 && is != s {
			return "", false
		}
		s = is
	}
	return s, true
}

// isZero reports whether a variable or a field has the value that it begins with: nothing
// is put into it, and no tag says that a library does.
func (f *flow) isZero(obj types.Object) bool {
	v, ok := obj.(*types.Var)
	tagged := f.tags[obj] != "" || len(f.envconfigNames(obj)) > 0
	return ok && len(f.from(obj)) == 0 && !tagged && (v.IsField() && f.isOwn(v) || f.unset[obj])
}

func zero(t types.Type) (s string, ok bool) {
	switch b, _ := t.Underlying().(*types.Basic); {
	case b == nil:
		_, isList := t.Underlying().(*types.Slice)
		return "", isList
	case b.Info()&types.IsString != 0:
		return "", true
	case b.Info()&types.IsBoolean != 0:
		return "false", true
	case b.Info()&types.IsNumeric != 0:
		return "0", true
	}
	return "", false
}

// presence returns whether what stands in a place runs.
func (f *flow) presence(s site) state {
	own := f.state(s.guard)
	if own == off || s.in == nil {
		return own
	}
	return min(own, f.runsAt(s.in))
}

// runsAt returns whether a function runs: where it is named, or if others may call it.
func (f *flow) runsAt(decl *ast.FuncDecl) state {
	s, ok := f.runs[decl]
	if !ok {
		for _, level := range []state{on, maybe} {
			if s == off && f.isRun(decl, level) {
				s = level
			}
		}
		f.runs[decl] = s
	}
	return s
}

// isRun reports whether there is a way from where the app begins to a function, all of
// whose conditions are at least so likely.
func (f *flow) isRun(decl *ast.FuncDecl, level state) bool {
	seen, next := map[*ast.FuncDecl]bool{decl: true}, []*ast.FuncDecl{decl}
	for len(next) > 0 && !f.ended() {
		fn, _ := f.info.Defs[next[0].Name].(*types.Func)
		next = next[1:]
		uses := f.uses[fn]
		if len(uses) == 0 {
			return true
		}
		for _, use := range uses {
			switch {
			case f.state(use.guard) < level:
			case use.in == nil:
				return true
			case !seen[use.in]:
				seen[use.in] = true
				next = append(next, use.in)
			}
		}
	}
	return false
}
