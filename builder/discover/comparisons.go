package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// comparisons returns the paths that handlers compare a request's with.
func (f *flow) comparisons() (routes []route) {
	for _, body := range f.bodies {
		ast.Inspect(body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if fn, ok := f.info.Defs[n.Name].(*types.Func); ok && n.Body != nil && f.isHandling(n.Type) {
					routes = append(routes, f.compared(n.Body, handlerOf(fn))...)
				}
			case *ast.FuncLit:
				if f.isHandling(n.Type) {
					routes = append(routes, f.compared(n.Body, n)...)
				}
			}
			return true
		})
	}
	return routes
}

// handlerOf returns the origin that handlers have which a function makes: for ServeHTTP,
// it is the type.
func handlerOf(fn *types.Func) origin {
	if recv := fn.Signature().Recv(); recv != nil && fn.Name() == "ServeHTTP" {
		if named := namedType(recv.Type()); named != nil {
			return named.Obj()
		}
	}
	return fn
}

// isHandling reports whether a function answers requests.
func (f *flow) isHandling(fn *ast.FuncType) bool {
	return slices.ContainsFunc(fn.Params.List, func(param *ast.Field) bool { return isResponse(f.info.TypeOf(param.Type)) })
}

// isResponse reports whether a type is what handlers write their answers to.
func isResponse(t types.Type) bool {
	return t != nil && slices.Contains([]string{"net/http.ResponseWriter", "*github.com/valyala/fasthttp.RequestCtx"}, types.TypeString(t, nil))
}

// compared returns the paths that a handler answers where it compares a request's with
// them.
func (f *flow) compared(body *ast.BlockStmt, handler origin) (routes []route) {
	add := func(x ast.Expr) {
		if p := f.word(x); strings.HasPrefix(p, "/") {
			routes = append(routes, route{path: strings.ReplaceAll(p, "$", "$$"), handler: handler, pos: x.Pos(), runs: on})
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return !f.isHandling(n.Type) // else it is a handler of its own
		case *ast.IfStmt:
			if f.answers(n.Body.List, body) {
				f.equals(n.Cond, add)
			}
		case *ast.SwitchStmt:
			for _, stmt := range n.Body.List {
				if clause := stmt.(*ast.CaseClause); f.answers(clause.Body, body) {
					f.cases(n.Tag, clause, add)
				}
			}
		}
		return true
	})
	return routes
}

// cases adds the paths of a clause of a switch.
func (f *flow) cases(tag ast.Expr, clause *ast.CaseClause, add func(ast.Expr)) {
	for _, x := range clause.List {
		switch {
		case tag == nil:
			f.equals(x, add)
		case f.isRequestPath(tag):
			add(x)
		}
	}
}

// equals adds the paths that a condition wants the request's to equal.
func (f *flow) equals(cond ast.Expr, add func(ast.Expr)) {
	ast.Inspect(cond, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && b.Op == token.EQL && f.isRequestPath(b.X) {
			add(b.Y)
		}
		return true
	})
}

// answers reports whether what a handler does for a path ends there. Many only leave out
// what they do for others, such as logging, and hand on the request as they hand on all.
func (f *flow) answers(branch []ast.Stmt, body *ast.BlockStmt) bool {
	calls := func(in ast.Node) map[string]int {
		times := map[string]int{}
		ast.Inspect(in, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && f.handsOn(call) {
				times[types.ExprString(call.Fun)]++
			}
			return true
		})
		return times
	}
	all := calls(body)
	for name, times := range calls(&ast.BlockStmt{List: branch}) {
		if all[name] > times {
			return false
		}
	}
	ends := len(branch) == 0 // which is a 200
	ast.Inspect(&ast.BlockStmt{List: branch}, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			ends = true
		case *ast.Ident:
			ends = ends || isResponse(f.info.TypeOf(n))
		}
		return !ends
	})
	return ends
}

// handsOn reports whether a call hands on a request, as next.ServeHTTP(w, r) does.
func (f *flow) handsOn(call *ast.CallExpr) bool {
	switch len(call.Args) {
	case 1:
		t := f.info.TypeOf(call.Args[0])
		return isResponse(t) && types.TypeString(t, nil) != "net/http.ResponseWriter"
	case 2:
		return isResponse(f.info.TypeOf(call.Args[0])) && isRequest(f.info.TypeOf(call.Args[1]))
	}
	return false
}

func isRequest(t types.Type) bool {
	return t != nil && types.TypeString(t, nil) == "*net/http.Request"
}

// isRequestPath reports whether an expression is r.URL.Path or, of fasthttp, ctx.Path(), or
// a variable that holds it.
func (f *flow) isRequestPath(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		if f.info.Types[x.Fun].IsType() && len(x.Args) == 1 { // string(ctx.Path())
			return f.isRequestPath(x.Args[0])
		}
		return f.isCallOf(x, "(*github.com/valyala/fasthttp.RequestCtx).Path")
	case *ast.SelectorExpr:
		obj := f.object(x)
		if obj == nil || obj.Name() != "Path" || packagePath(obj) != "net/url" {
			return false
		}
		url := f.object(x.X)
		return url != nil && url.Name() == "URL" && packagePath(url) == "net/http"
	case *ast.Ident:
		if obj := f.object(x); obj != nil {
			return slices.ContainsFunc(f.from(obj), func(s source) bool {
				_, isName := ast.Unparen(s.expr).(*ast.Ident)
				return !isName && f.isRequestPath(s.expr)
			})
		}
	}
	return false
}
