package hclfile

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// pieces adds the text that an expression makes; ok is false if nothing is known of it.
func (e *evaluator) pieces(p *doctree.Pieces, expr hclsyntax.Expression) (ok bool) {
	if e.depth > maxDepth {
		return false
	}
	e = e.deeper()
	switch expr := unwrap(expr).(type) {
	case *hclsyntax.TemplateExpr:
		for _, part := range expr.Parts {
			e.part(p, part)
		}
		return true
	case *hclsyntax.TemplateWrapExpr:
		return e.pieces(p, expr.Wrapped)
	case *hclsyntax.FunctionCallExpr:
		if data, vars, ok := e.templateOf(expr); ok {
			return e.template(p, data, vars, e.pos(expr))
		}
	case *hclsyntax.ScopeTraversalExpr:
		if block := e.module.rendered(expr.Traversal); block != nil {
			return e.templateFile(p, block, e.pos(expr))
		}
		if inner, defined, ok := e.follow(expr); ok {
			return inner.pieces(p, defined)
		}
	}
	text, ok := stringOf(e.value(expr))
	if ok {
		p.AddValue(text, e.pos(expr))
	}
	return ok
}

// part adds a part of a template.
func (e *evaluator) part(p *doctree.Pieces, part hclsyntax.Expression) {
	literal, isLiteral := part.(*hclsyntax.LiteralValueExpr)
	if isLiteral && literal.Val.Type() == cty.String && e.at == nil {
		e.literal(p, literal.Val.AsString(), literal.SrcRange)
		return
	}
	if call, ok := unwrap(part).(*hclsyntax.FunctionCallExpr); ok && call.Name == "jsonencode" && len(call.Args) == 1 {
		encode(p, e.deeper().node(call.Args[0]))
		return
	}
	if text, ok := stringOf(e.value(part)); ok {
		p.AddValue(text, e.pos(part))
		return
	}
	p.AddOpen(e.pos(part))
}

// literal adds text that stands in the file, line by line: those of a heredoc may be
// indented there.
func (e *evaluator) literal(p *doctree.Pieces, text string, r hcl.Range) {
	lines := strings.Split(string(e.module.data), "\n")
	number := r.Start.Line
	for line := range strings.Lines(text) {
		column := r.Start.Column
		if number > r.Start.Line {
			column = 1
		}
		if number <= len(lines) {
			source := lines[number-1]
			if i := strings.Index(source, strings.TrimRight(line, "\r\n")); i >= 0 {
				column = max(column, utf8.RuneCountInString(source[:i])+1)
			}
		}
		p.Add(line, doctree.Pos{Line: number, Column: column})
		number++
	}
}

// encode adds a node as jsonencode writes it.
func encode(p *doctree.Pieces, n *doctree.Node) {
	switch n.Kind {
	case doctree.Unknown:
		p.AddOpen(n.Pos)
	case doctree.Null:
		p.AddValue("null", n.Pos)
	case doctree.Scalar:
		text, _ := json.Marshal(n.Text) // of a string
		if n.Bare {
			text = []byte(n.Text)
		}
		p.AddValue(string(text), n.Pos)
	case doctree.List:
		p.AddValue("[", n.Pos)
		for i, item := range n.Items {
			if i > 0 {
				p.AddValue(",", item.Pos)
			}
			encode(p, item)
		}
		p.AddValue("]", n.Pos)
	case doctree.Map:
		p.AddValue("{", n.Pos)
		for i, f := range n.Fields {
			if i > 0 {
				p.AddValue(",", f.Key.Pos)
			}
			key, _ := json.Marshal(f.Key.Text) // of a string
			p.AddValue(string(key)+":", f.Key.Pos)
			encode(p, f.Value)
		}
		p.AddValue("}", n.Pos)
	}
}

// templateOf reads the file that file() or templatefile() name, and the latter's variables.
// Those of file() are nil: nothing in it is replaced.
func (e *evaluator) templateOf(call *hclsyntax.FunctionCallExpr) (data string, vars map[string]cty.Value, ok bool) {
	isTemplate := call.Name == "templatefile" && len(call.Args) == 2
	if !isTemplate && (call.Name != "file" || len(call.Args) != 1) {
		return "", nil, false
	}
	path, ok := stringOf(e.value(call.Args[0]))
	if !ok {
		return "", nil, false
	}
	text, ok := e.module.read(path)
	if isTemplate && ok {
		vars = variablesOf(e.node(call.Args[1]))
	}
	return string(text), vars, ok
}

// variablesOf returns the variables of a template.
func variablesOf(n *doctree.Node) map[string]cty.Value {
	vars := map[string]cty.Value{}
	for _, f := range n.Map() {
		vars[f.Key.Text] = valueOf(f.Value)
	}
	return vars
}

// template adds what becomes of a template of another file.
func (e *evaluator) template(p *doctree.Pieces, text string, vars map[string]cty.Value, at doctree.Pos) bool {
	if vars == nil {
		p.AddValue(text, at)
		return true
	}
	if limits.ExpressionDepth.Check(nesting([]byte(text))) != nil {
		return false
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), "template", hcl.InitialPos)
	if diags.HasErrors() {
		return false
	}
	inner := e.deeper()
	inner.at, inner.vars = &at, vars
	for _, traversal := range expr.Variables() {
		if _, ok := vars[traversal.RootName()]; !ok {
			vars[traversal.RootName()] = cty.DynamicVal
		}
	}
	return inner.pieces(p, expr)
}

// rendered returns the data source of data.template_file.NAME.rendered.
func (m *module) rendered(t hcl.Traversal) *hclsyntax.Block {
	if len(t) != 4 || t.RootName() != "data" {
		return nil
	}
	kind, _ := t[1].(hcl.TraverseAttr)
	name, _ := t[2].(hcl.TraverseAttr)
	if kind.Name != "template_file" {
		return nil
	}
	return m.templates[name.Name]
}

// templateFile adds what a template_file data source renders.
func (e *evaluator) templateFile(p *doctree.Pieces, block *hclsyntax.Block, at doctree.Pos) bool {
	template := block.Body.Attributes["template"]
	if template == nil {
		return false
	}
	text, ok := stringOf(e.value(template.Expr))
	if !ok {
		return false
	}
	vars := map[string]cty.Value{}
	if a := block.Body.Attributes["vars"]; a != nil {
		vars = variablesOf(e.node(a.Expr))
	}
	return e.template(p, text, vars, at)
}

func sortFields(n *doctree.Node) {
	slices.SortFunc(n.Fields, func(a, b doctree.Field) int { return cmp.Compare(a.Key.Text, b.Key.Text) })
}
