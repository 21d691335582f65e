package discover

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"
)

// call returns the result of a call that has the given index.
func (e *evaluation) call(call *ast.CallExpr, index int) []value {
	if t := e.info.Types[call.Fun]; t.IsType() && len(call.Args) == 1 { // a conversion
		return e.expr(call.Args[0])
	}
	fn := e.callee(call)
	if fn == nil {
		fn = e.passed(call.Fun)
	}
	if fn == nil {
		return []value{unknown()}
	}
	if decl := e.decls[fn]; decl != nil {
		if out := e.inline(decl, call, index); len(out) > 0 {
			return out
		}
		return []value{unknown()}
	}
	if index > 0 {
		return []value{unknown()}
	}
	if known := standard(fullName(fn)); known != nil {
		return known(e, call)
	}
	if out := e.option(call, fn); len(out) > 0 {
		return out
	}
	return []value{unknown()}
}

// passed returns the function with a name that a variable or parameter holds, if that
// is always the same one.
func (f *flow) passed(x ast.Expr) (fn *types.Func) {
	for _, o := range f.origins(x) {
		named, ok := o.(*types.Func)
		if !ok || fn != nil && fn != named {
			return nil
		}
		fn = named
	}
	return fn
}

var majorVersion = regexp.MustCompile(`/v\d+\b`)

// fullName returns a function's name with its package, and without the package's major
// version: (*github.com/labstack/echo.Echo).Start.
func fullName(fn *types.Func) string {
	return majorVersion.ReplaceAllString(fn.FullName(), "")
}

// isCallOf reports whether a call is one of a function, by its full name.
func (f *flow) isCallOf(call *ast.CallExpr, name string) bool { return f.names[call] == name }

// packagePath returns the path of a function's package without the major version.
func packagePath(obj types.Object) string {
	if fn, ok := obj.(*types.Func); obj == nil || ok && fn == nil || obj.Pkg() == nil {
		return ""
	}
	return majorVersion.ReplaceAllString(obj.Pkg().Path(), "")
}

// standard returns what the standard library's functions do that addresses are made
// with, or nil.
func standard(name string) func(*evaluation, *ast.CallExpr) []value {
	switch name {
	case "os.Getenv", "os.LookupEnv", "syscall.Getenv":
		return (*evaluation).getenv
	case "cmp.Or":
		return (*evaluation).or
	case "fmt.Sprintf":
		return (*evaluation).sprintf
	case "fmt.Sprint":
		return (*evaluation).concat
	case "net.JoinHostPort":
		return (*evaluation).joinHostPort
	case "path.Join", "path/filepath.Join":
		return (*evaluation).joinPath
	case "strconv.Itoa", "strconv.FormatInt", "strconv.FormatUint", "strconv.Atoi", "strconv.ParseInt", "strconv.ParseUint",
		"strings.TrimSpace", "path/filepath.Clean":
		return (*evaluation).first
	case "net.ResolveTCPAddr", "net.ResolveUnixAddr":
		return (*evaluation).second
	}
	return nil
}

func (e *evaluation) first(call *ast.CallExpr) []value  { return e.expr(argument(call, 0)) }
func (e *evaluation) second(call *ast.CallExpr) []value { return e.expr(argument(call, 1)) }

// argument returns an argument of a call, or nil.
func argument(call *ast.CallExpr, i int) ast.Expr {
	if i < 0 || i >= len(call.Args) {
		return nil
	}
	return call.Args[i]
}

func (e *evaluation) getenv(call *ast.CallExpr) (out []value) {
	for _, name := range e.expr(argument(call, 0)) {
		if s, ok := name.plain(); ok && isVariable(s) {
			out = append(out, variable(s, "", call.Pos()))
		} else {
			out = append(out, unknown())
		}
	}
	return out
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func isVariable(s string) bool { return variableName.MatchString(s) }

func (e *evaluation) or(call *ast.CallExpr) []value {
	var out []value
	for _, arg := range call.Args {
		out = append(out, e.expr(arg)...)
	}
	return unify(out)
}

var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z%]`)

func (e *evaluation) sprintf(call *ast.CallExpr) []value {
	format := e.expr(argument(call, 0))
	if len(format) != 1 {
		return []value{unknown()}
	}
	s, ok := format[0].plain()
	if !ok {
		return []value{unknown()}
	}
	out, at, next := []value{text("")}, 0, 1
	for _, m := range verb.FindAllStringIndex(s, -1) {
		out = product(out, []value{text(s[at:m[0]])})
		at = m[1]
		switch s[m[0]:m[1]] {
		case "%%":
			out = product(out, []value{text("%")})
			continue
		case "%s", "%v", "%d":
			if arg := argument(call, next); arg != nil {
				out = product(out, e.expr(arg))
				break
			}
			fallthrough
		default:
			out = product(out, []value{unknown()})
		}
		next++
	}
	return product(out, []value{text(s[at:])})
}

func (e *evaluation) concat(call *ast.CallExpr) []value {
	out := []value{text("")}
	for _, arg := range call.Args {
		out = product(out, e.expr(arg))
	}
	return out
}

func (e *evaluation) joinHostPort(call *ast.CallExpr) []value {
	var hosts []value
	for _, host := range e.expr(argument(call, 0)) {
		if s, ok := host.plain(); ok && strings.Contains(s, ":") {
			host = value{pieces: []piece{{text: "[" + s + "]"}}, from: host.from}
		}
		hosts = append(hosts, host.then(text(":")))
	}
	return product(hosts, e.expr(argument(call, 1)))
}

func (e *evaluation) joinPath(call *ast.CallExpr) []value {
	out := []value{text("")}
	for i, arg := range call.Args {
		if i > 0 {
			out = product(out, []value{text("/")})
		}
		out = product(out, e.expr(arg))
	}
	for i, v := range out {
		for j, p := range v.pieces {
			if p.isText() {
				out[i].pieces[j].text = slashes.ReplaceAllString(p.text, "/")
			}
		}
	}
	return out
}

var slashes = regexp.MustCompile(`/{2,}`)
