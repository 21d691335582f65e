package discover

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"

	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/limits"
)

// A constants knows how long the string constants of a package can be at most, before
// anybody computes them: package go/types does, and one that is twice the one before it,
// and so on, soon takes all memory. Scopes are passed over: of equal names the longest
// counts.
type constants struct {
	*checker
	exprs map[string][]scoped
	most  map[string]int64
	seen  map[string]bool // in this round
}

// A scoped expression is one in a file, whose imports say what it means.
type scoped struct {
	ast.Expr
	in *scope
}

type scope struct {
	imports map[string]string // package IDs by the names that the file has for them
	dots    []string          // IDs of what is imported with a dot
}

// rounds is how often lengths are computed anew where constants in scopes of their own
// have the names of those that they are made of. Each round doubles what doubles.
const rounds = 64

// checkConstants refuses a package with string constants that exceed the limit. What it
// imports was checked before.
func (c *checker) checkConstants(pkg *packages.Package, fset *token.FileSet, files []*ast.File) error {
	k := &constants{checker: c, exprs: map[string][]scoped{}, most: map[string]int64{}}
	var sums []scoped
	for _, f := range files {
		sums = append(sums, k.collect(scopeOf(pkg, f), f)...)
	}
	for range rounds {
		k.seen = map[string]bool{}
		changed := false
		for name := range k.exprs {
			before := k.most[name]
			changed = k.longest(name) != before || changed
		}
		if !changed {
			break
		}
	}
	for _, x := range sums {
		if err := limits.Constant.Check(k.length(x)); err != nil {
			return fmt.Errorf("%s: %w", fset.Position(x.Pos()), err)
		}
	}
	return nil
}

// scopeOf returns what names mean in a file.
func scopeOf(pkg *packages.Package, f *ast.File) *scope {
	s := &scope{imports: map[string]string{}}
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		imported := pkg.Imports[path]
		switch {
		case imported == nil:
		case spec.Name == nil:
			s.imports[imported.Name] = imported.ID
		case spec.Name.Name == ".":
			s.dots = append(s.dots, imported.ID)
		default:
			s.imports[spec.Name.Name] = imported.ID
		}
	}
	return s
}

// collect notes the constants that a file declares, and returns all sums that may be one.
func (k *constants) collect(s *scope, f *ast.File) (sums []scoped) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.CONST {
				k.declare(s, n)
			}
		case *ast.BinaryExpr:
			if n.Op == token.ADD {
				sums = append(sums, scoped{n, s})
				return false // its parts are no longer than it is
			}
		}
		return true
	})
	return sums
}

func (k *constants) declare(s *scope, decl *ast.GenDecl) {
	var values []ast.Expr // which stay where none are written
	for _, spec := range decl.Specs {
		spec := spec.(*ast.ValueSpec)
		if len(spec.Values) > 0 {
			values = spec.Values
		}
		for i, name := range spec.Names {
			if i < len(values) {
				k.exprs[name.Name] = append(k.exprs[name.Name], scoped{values[i], s})
			}
		}
	}
}

// longest returns how long a constant can be at most, as far as that is known in this
// round.
func (k *constants) longest(name string) int64 {
	if k.seen[name] {
		return k.most[name]
	}
	k.seen[name] = true
	for _, x := range k.exprs[name] {
		k.most[name] = max(k.most[name], k.length(x))
	}
	return k.most[name]
}

// length returns how long the value of an expression can be, or something past the limit.
func (k *constants) length(x scoped) int64 {
	switch e := x.Expr.(type) {
	case *ast.BasicLit:
		return int64(len(e.Value))
	case *ast.ParenExpr:
		return k.length(scoped{e.X, x.in})
	case *ast.BinaryExpr:
		return min(k.length(scoped{e.X, x.in})+k.length(scoped{e.Y, x.in}), limits.Constant.Max()+1)
	case *ast.CallExpr: // a conversion
		if len(e.Args) == 1 {
			return k.length(scoped{e.Args[0], x.in})
		}
	case *ast.Ident:
		longest := k.longest(e.Name)
		for _, dot := range x.in.dots {
			longest = max(longest, k.imported(dot, e.Name))
		}
		return longest
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok {
			return k.imported(x.in.imports[pkg.Name], e.Sel.Name)
		}
	}
	return 0
}

// imported returns how long a constant of another package is.
func (k *constants) imported(pkg, name string) int64 {
	p := k.done[pkg]
	if p == nil {
		return 0
	}
	c, ok := p.Scope().Lookup(name).(*types.Const)
	if !ok || c.Val().Kind() != constant.String {
		return 0
	}
	return int64(len(constant.StringVal(c.Val())))
}
