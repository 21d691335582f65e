package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ko-health/kohealth/builder/doctree"
)

// An evaluator makes values of expressions, each where it stands. What other files say
// stands where it is named.
type evaluator struct {
	module *module
	at     *doctree.Pos         // where everything stands; nil is where it is written
	vars   map[string]cty.Value // of a template; nil outside
	depth  int
}

// maxDepth bounds expressions in each other, those that names stand for included.
const maxDepth = 60

// maxSteps bounds the values of a file: names may stand for each other, twice each.
const maxSteps = 100_000

func (e *evaluator) pos(expr hclsyntax.Expression) doctree.Pos {
	if e.at != nil {
		return *e.at
	}
	return posOf(expr.Range())
}

// unknown is a value that is not known. Its text is the expression.
func (e *evaluator) unknown(expr hclsyntax.Expression) *doctree.Node {
	n := &doctree.Node{Kind: doctree.Unknown, Pos: e.pos(expr)}
	if r := expr.Range(); e.at == nil && r.Filename == e.module.name && r.CanSliceBytes(e.module.data) && r.Start.Line == r.End.Line {
		n.Text = string(r.SliceBytes(e.module.data))
	}
	return n
}

// deeper returns an evaluator for what an expression leads to.
func (e *evaluator) deeper() *evaluator {
	d := *e
	d.depth++
	return &d
}

// node evaluates an expression.
func (e *evaluator) node(expr hclsyntax.Expression) *doctree.Node {
	if e.module.steps++; e.depth > maxDepth || e.module.steps > maxSteps {
		return e.unknown(expr)
	}
	e = e.deeper()
	switch expr := unwrap(expr).(type) {
	case *hclsyntax.ObjectConsExpr:
		return e.object(expr)
	case *hclsyntax.TupleConsExpr:
		n := &doctree.Node{Kind: doctree.List, Pos: e.pos(expr), Flow: true}
		for _, item := range expr.Exprs {
			n.Items = append(n.Items, e.node(item))
		}
		return n
	case *hclsyntax.ConditionalExpr:
		return e.conditional(expr)
	case *hclsyntax.TemplateExpr:
		return e.text(expr)
	case *hclsyntax.TemplateWrapExpr:
		return e.node(expr.Wrapped)
	case *hclsyntax.FunctionCallExpr:
		return e.call(expr)
	default:
		if inner, defined, ok := e.follow(expr); ok {
			n := inner.node(defined)
			n.Made = n.Kind == doctree.Scalar
			return n
		}
		return e.computed(expr)
	}
}

func (e *evaluator) object(expr *hclsyntax.ObjectConsExpr) *doctree.Node {
	n := &doctree.Node{Kind: doctree.Map, Pos: e.pos(expr), Flow: true}
	for _, item := range expr.Items {
		key, diags := item.KeyExpr.Value(e.context(item.KeyExpr))
		if diags.HasErrors() || !key.IsKnown() || key.IsNull() || key.Type() != cty.String {
			continue // known only when the file is used
		}
		pos := e.pos(item.KeyExpr)
		n.Fields = append(n.Fields, doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: key.AsString(), Pos: pos}, Value: e.node(item.ValueExpr)})
	}
	return n
}

// conditional evaluates the branch that is known to be taken.
func (e *evaluator) conditional(expr *hclsyntax.ConditionalExpr) *doctree.Node {
	condition := e.value(expr.Condition)
	if condition.Type() != cty.Bool || !condition.IsKnown() || condition.IsNull() {
		return e.unknown(expr)
	}
	if condition.True() {
		return e.node(expr.TrueResult)
	}
	return e.node(expr.FalseResult)
}

// follow returns what a name stands for: a local, a variable, an element of one.
func (e *evaluator) follow(expr hclsyntax.Expression) (inner *evaluator, defined hclsyntax.Expression, ok bool) {
	traversal, ok := expr.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(traversal.Traversal) != 2 || e.vars != nil || e.depth > maxDepth {
		return nil, nil, false
	}
	name, ok := traversal.Traversal[1].(hcl.TraverseAttr)
	if !ok {
		return nil, nil, false
	}
	d, ok := e.module.named(traversal.Traversal.RootName(), name.Name)
	if !ok {
		return nil, nil, false
	}
	inner = e.deeper()
	if !d.isOwn && e.at == nil {
		pos := posOf(expr.Range())
		inner.at = &pos
	}
	return inner, d.expr, true
}

func (m *module) named(root, name string) (d definition, ok bool) {
	switch root {
	case "local":
		d, ok = m.locals[name]
	case "var":
		d, ok = m.variables[name]
	}
	return d, ok
}

// call evaluates the functions that make values of others, so that those stand where they
// are written.
func (e *evaluator) call(expr *hclsyntax.FunctionCallExpr) *doctree.Node {
	var args []*doctree.Node
	if expr.Name == "concat" || expr.Name == "merge" || expr.Name == "flatten" || expr.Name == "tolist" || expr.Name == "tomap" || expr.Name == "compact" {
		for _, arg := range expr.Args {
			args = append(args, e.node(arg))
		}
	}
	switch expr.Name {
	case "concat", "flatten", "tolist", "compact":
		n := &doctree.Node{Kind: doctree.List, Pos: e.pos(expr)}
		for _, arg := range args {
			n.Items = append(n.Items, joined(arg)...)
		}
		if expr.Name == "flatten" {
			n.Items = flat(n.Items)
		}
		return n
	case "merge", "tomap":
		n := &doctree.Node{Kind: doctree.Map, Pos: e.pos(expr)}
		for _, arg := range args {
			if arg.Kind != doctree.Map {
				return e.unknown(expr)
			}
			n.Fields = append(n.Fields, arg.Fields...)
			if arg.Pos != (doctree.Pos{}) {
				n.Pos = arg.Pos
			}
		}
		return n
	case "jsondecode":
		return e.unknownUnless(expr)
	case "yamldecode":
		return e.yaml(expr)
	}
	return e.computed(expr)
}

func (e *evaluator) unknownUnless(expr *hclsyntax.FunctionCallExpr) *doctree.Node {
	pieces := &doctree.Pieces{}
	if len(expr.Args) != 1 || !e.pieces(pieces, expr.Args[0]) {
		return e.unknown(expr)
	}
	n, err := pieces.Parse()
	if err != nil {
		return e.unknown(expr)
	}
	return n
}

// yaml evaluates yamldecode of what is known in whole. All of it stands where it is called.
func (e *evaluator) yaml(expr *hclsyntax.FunctionCallExpr) *doctree.Node {
	if len(expr.Args) != 1 {
		return e.unknown(expr)
	}
	text, ok := stringOf(e.value(expr.Args[0]))
	if !ok || strings.Contains(text, doctree.Open) {
		return e.unknown(expr)
	}
	n, err := doctree.Parse([]byte(text))
	if err != nil {
		return e.unknown(expr)
	}
	place(n, e.pos(expr))
	return n
}

// place puts a value, with what it holds, at a place.
func place(n *doctree.Node, at doctree.Pos) {
	if n == nil {
		return
	}
	n.Pos, n.Span = at, doctree.Span{}
	place(n.Inside, at)
	for _, item := range n.Items {
		place(item, at)
	}
	for _, f := range n.Fields {
		place(f.Key, at)
		place(f.Value, at)
	}
}

// joined returns the items of a list, or what is not known of them.
func joined(n *doctree.Node) []*doctree.Node {
	if n.Kind == doctree.List {
		return n.Items
	}
	return []*doctree.Node{n}
}

func flat(items []*doctree.Node) (all []*doctree.Node) {
	for _, item := range items {
		if item.Kind == doctree.List {
			all = append(all, flat(item.Items)...)
		} else {
			all = append(all, item)
		}
	}
	return all
}

// text evaluates a string, of which parts may not be known.
func (e *evaluator) text(expr *hclsyntax.TemplateExpr) *doctree.Node {
	var b strings.Builder
	made := false
	for _, part := range expr.Parts {
		_, isLiteral := part.(*hclsyntax.LiteralValueExpr)
		made = made || !isLiteral
		if text, ok := stringOf(e.value(part)); ok {
			b.WriteString(text)
		} else {
			b.WriteString(doctree.Open)
		}
	}
	return &doctree.Node{Kind: doctree.Scalar, Text: b.String(), Made: made, Pos: e.pos(expr)}
}

// computed evaluates an expression as HCL does.
func (e *evaluator) computed(expr hclsyntax.Expression) *doctree.Node {
	n := nodeOf(e.value(expr), e.pos(expr), 0)
	if n.Kind == doctree.Unknown {
		return e.unknown(expr)
	}
	_, isLiteral := expr.(*hclsyntax.LiteralValueExpr)
	n.Made = n.Kind == doctree.Scalar && !isLiteral
	return n
}
