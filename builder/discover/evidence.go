package discover

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// evidence returns the places that say that and where a server listens.
func (p *proposer) evidence(s server, l listening) []Evidence {
	places := []token.Pos{s.pos}
	if call, ok := l.call.(*ast.CallExpr); ok {
		places = append(places, call.Pos())
	}
	for _, v := range l.addr {
		for _, pos := range slices.Backward(v.from) {
			if pos.IsValid() {
				places = append(places, pos)
			}
		}
	}
	return p.sources(places)
}

// sources returns places with what stands there, but for those that lie within others.
func (p *proposer) sources(places []token.Pos) (out []Evidence) {
	var shown []ast.Node
	for _, pos := range places {
		n := p.at(pos)
		if n == nil || slices.ContainsFunc(shown, func(m ast.Node) bool { return m.Pos() <= pos && pos < m.End() }) {
			continue
		}
		if lit, ok := n.(*ast.BasicLit); ok && !strings.ContainsFunc(lit.Value, unicode.IsLetter) && !strings.ContainsFunc(lit.Value, unicode.IsDigit) {
			continue // ":"
		}
		shown = append(shown, n)
		out = append(out, p.source(pos))
	}
	return out
}

// source returns a place with what stands there.
func (p *proposer) source(pos token.Pos) Evidence {
	e := Evidence{Position: p.position(pos)}
	switch n := p.at(pos).(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if name.Pos() == pos && i < len(n.Values) {
				e.Source = name.Name + " = " + types.ExprString(n.Values[i])
			}
		}
	case *ast.Field:
		e.Source = n.Names[0].Name + " " + types.ExprString(n.Type)
		if n.Tag != nil {
			e.Source += " " + n.Tag.Value
		}
	case ast.Expr:
		e.Source = types.ExprString(n)
	}
	e.Source = shorten(e.Source)
	return e
}

// at returns the outermost expression that begins at a place, or what declares the name
// there.
func (p *proposer) at(pos token.Pos) (found ast.Node) {
	for _, f := range p.files {
		if pos < f.FileStart || pos >= f.FileEnd {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil || found != nil || pos < n.Pos() || pos >= n.End() {
				return false
			}
			switch n := n.(type) {
			case *ast.ValueSpec:
				if slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Pos() == pos }) {
					found = n
				}
			case *ast.Field:
				if len(n.Names) > 0 && n.Names[0].Pos() == pos {
					found = n
				}
			case ast.Expr:
				if n.Pos() == pos {
					found = n
				}
			}
			return found == nil
		})
	}
	return found
}

// functionText is how go/types writes a function without a name.
var functionText = regexp.MustCompile(`\(func\([^()]*\)[^()]* literal\)`)

// shorten makes one line of an expression, which is not too long.
func shorten(s string) string {
	const most = 90
	s = functionText.ReplaceAllString(strings.Join(strings.Fields(s), " "), "func…")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
