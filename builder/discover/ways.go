package discover

import (
	"go/ast"
	"go/types"
)

// in returns the flow that is one of a call of a function: the parameters are what that
// call has for them.
func (f *flow) in(decl *ast.FuncDecl, call *ast.CallExpr) *flow {
	inner := *f
	inner.only, inner.outer, inner.memo = map[types.Object]source{}, f, newMemo()
	f.eachParam(decl.Type.Params, call, call.Args, func(to ast.Expr, s source) {
		if id, ok := to.(*ast.Ident); ok && s.call == nil && s.part == itself {
			inner.only[f.info.Defs[id]] = s
		}
	})
	return &inner
}

// caller returns the flow that what is put into a parameter belongs to.
func (f *flow) caller(param types.Object) *flow {
	for g := f; g.outer != nil; g = g.outer {
		if _, ok := g.only[param]; ok {
			return g.outer
		}
	}
	return f
}

// A way is one of those to a call, through the functions around it.
type way struct {
	*flow
	runs state
}

// How many ways to a call are looked at, and how many functions are on one.
const (
	maxWays  = 64
	maxDepth = 4
)

// ways returns those to a call: one for all if the function around it has one caller, or
// no parameters.
func (f *flow) ways(call *ast.CallExpr, depth int) (found []way) {
	at := f.sites[call]
	fn := f.around(at)
	callers := f.callers[fn]
	if len(callers) < 2 || len(at.in.Type.Params.List) == 0 || depth == maxDepth {
		return []way{{f, f.presence(at)}}
	}
	for _, caller := range callers {
		for _, outer := range f.ways(caller, depth+1) {
			inner := outer.in(at.in, caller)
			found = append(found, way{inner, min(outer.runs, inner.state(at.guard))})
			if len(found) > maxWays {
				return []way{{f, f.presence(at)}}
			}
		}
	}
	return found
}

func (f *flow) around(at site) *types.Func {
	if at.in == nil {
		return nil
	}
	fn, _ := f.info.Defs[at.in.Name].(*types.Func)
	return fn
}
