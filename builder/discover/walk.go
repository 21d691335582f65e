package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
)

// A site is where something stands: in a function, under conditions.
type site struct {
	in    *ast.FuncDecl // or nil, for what package variables are set to
	guard *guard
}

// A guard is a condition under which a statement runs.
type guard struct {
	cond  ast.Expr // or nil, for one that is not looked at
	holds bool     // it has to hold, or else not to
	outer *guard
}

// A walker reads the statements of a function, those of functions within it as theirs.
type walker struct {
	*flow
	site
	function ast.Node // a FuncDecl, a FuncLit, or what package variables are set to
}

func (w *walker) walk(n ast.Node) {
	if n == nil {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			if n != w.function {
				inner := &walker{flow: w.flow, site: w.site, function: n}
				inner.walk(n)
				return false
			}
		case *ast.BlockStmt:
			w.block(n.List)
			return false
		case *ast.IfStmt:
			w.branches(n)
			return false
		case *ast.SwitchStmt:
			w.cases(n)
			return false
		case *ast.TypeSwitchStmt:
			w.walkStmt(n.Init)
			w.walkStmt(n.Assign)
			w.under(n.Body, nil, true)
			return false
		case *ast.CaseClause:
			for _, x := range n.List {
				w.walk(x)
			}
			w.block(n.Body)
			return false
		case *ast.CommClause:
			w.walkStmt(n.Comm)
			w.block(n.Body)
			return false
		}
		w.read(n)
		return true
	})
}

func (w *walker) walkStmt(s ast.Stmt) {
	if s != nil {
		w.walk(s)
	}
}

// under reads statements that run under one more condition.
func (w *walker) under(n ast.Node, cond ast.Expr, holds bool) {
	outer := w.guard
	w.guard = &guard{cond: cond, holds: holds, outer: outer}
	w.walk(n)
	w.guard = outer
}

// block reads statements one after the other. What is behind if x { return } runs only
// where x does not hold. One that fails says only that the app wants something.
func (w *walker) block(list []ast.Stmt) {
	outer := w.guard
	for _, stmt := range list {
		w.walk(stmt)
		if branch, ok := stmt.(*ast.IfStmt); ok && branch.Else == nil && w.leaves(branch.Body.List) {
			w.guard = &guard{cond: branch.Cond, outer: w.guard}
		}
	}
	w.guard = outer
}

// leaves reports whether statements end by leaving the block that they are in, without an
// error.
func (w *walker) leaves(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	switch last := list[len(list)-1].(type) {
	case *ast.ReturnStmt:
		if decl, ok := w.function.(*ast.FuncDecl); ok && decl.Recv == nil && decl.Name.Name == "main" {
			return false // that ends the app
		}
		return !slices.ContainsFunc(last.Results, w.isFailure)
	case *ast.BranchStmt:
		return true
	case *ast.ExprStmt: // log.Fatal(server.ListenAndServe())
		call, ok := last.X.(*ast.CallExpr)
		return ok && slices.ContainsFunc(call.Args, func(x ast.Expr) bool {
			_, isCall := ast.Unparen(x).(*ast.CallExpr)
			return isCall && isError(w.info.TypeOf(x)) && !w.isFailure(x)
		})
	}
	return false
}

// isFailure reports whether a result is an error that is there already, or made of words.
func (w *walker) isFailure(x ast.Expr) bool {
	if w.info.Types[x].IsNil() || !isError(w.info.TypeOf(x)) {
		return false
	}
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return true
	}
	fn := w.callee(call)
	return fn != nil && errorMaker.MatchString(fn.Name())
}

var errorMaker = regexp.MustCompile(`^(New|Error|Errorf|Join|With\w+|Wrap\w*|Usage\w*)$`)

func (w *walker) branches(n *ast.IfStmt) {
	w.walkStmt(n.Init)
	w.walk(n.Cond)
	w.under(n.Body, n.Cond, true)
	if n.Else != nil {
		w.under(n.Else, n.Cond, false)
	}
}

// cases reads a switch: each clause runs where it is chosen, the default where no other
// one is.
func (w *walker) cases(n *ast.SwitchStmt) {
	w.walkStmt(n.Init)
	if n.Tag != nil {
		w.walk(n.Tag)
	}
	outer := w.guard
	for _, stmt := range n.Body.List {
		clause := stmt.(*ast.CaseClause)
		switch {
		case clause.List == nil:
			for _, other := range n.Body.List {
				for _, x := range other.(*ast.CaseClause).List {
					w.guard = &guard{cond: chosen(n.Tag, x), outer: w.guard}
				}
			}
		case len(clause.List) == 1:
			w.guard = &guard{cond: chosen(n.Tag, clause.List[0]), holds: true, outer: outer}
		default:
			w.guard = &guard{holds: true, outer: outer}
		}
		w.walk(clause)
		w.guard = outer
	}
}

// chosen returns the condition for a case of a switch.
func chosen(tag, x ast.Expr) ast.Expr {
	if tag == nil {
		return x
	}
	return &ast.BinaryExpr{X: tag, OpPos: x.Pos(), Op: token.EQL, Y: x}
}

// read takes what a statement or an expression itself says.
func (w *walker) read(n ast.Node) {
	switch n := n.(type) {
	case *ast.ReturnStmt:
		w.returns[w.function] = append(w.returns[w.function], n)
	case *ast.AssignStmt:
		if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
			w.assign(n.Lhs, n.Rhs, w.guard)
		} else {
			w.put(n.Lhs[0], source{expr: &ast.BadExpr{}}) // += and the like
		}
	case *ast.IncDecStmt:
		w.put(n.X, source{expr: &ast.BadExpr{}})
	case *ast.ValueSpec:
		lhs := make([]ast.Expr, len(n.Names))
		for i, name := range n.Names {
			lhs[i] = name
			w.unset[w.info.Defs[name]] = len(n.Values) == 0
		}
		w.assign(lhs, n.Values, w.guard)
	case *ast.RangeStmt:
		w.put(n.Key, source{expr: n.X, part: key})
		w.put(n.Value, source{expr: n.X, part: element})
	case *ast.CompositeLit:
		w.literal(n)
	case *ast.CallExpr:
		w.calls = append(w.calls, n)
		w.sites[n] = w.site
	case *ast.Ident:
		if fn, ok := w.info.Uses[n].(*types.Func); ok && w.decls[fn.Origin()] != nil {
			w.uses[fn.Origin()] = append(w.uses[fn.Origin()], w.site)
		}
	}
}

func (f *flow) assign(lhs, rhs []ast.Expr, at *guard) {
	for i, to := range lhs {
		switch {
		case len(rhs) == len(lhs):
			f.put(to, source{expr: rhs[i], guard: at})
		case len(rhs) == 1:
			f.put(to, source{expr: rhs[0], index: i, guard: at})
		}
	}
}
