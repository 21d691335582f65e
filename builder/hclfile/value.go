package hclfile

import (
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ko-health/kohealth/builder/doctree"
)

// value evaluates an expression as HCL does. What it cannot evaluate is not known.
func (e *evaluator) value(expr hclsyntax.Expression) cty.Value {
	if literal, ok := expr.(*hclsyntax.LiteralValueExpr); ok {
		return literal.Val
	}
	if e.depth > maxDepth {
		return cty.DynamicVal
	}
	v, diags := expr.Value(e.context(expr))
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	v, _ = v.Unmark()
	return v
}

// context returns the values of the names that an expression uses.
func (e *evaluator) context(expr hclsyntax.Expression) *hcl.EvalContext {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: e.functions(expr)}
	if e.vars != nil {
		ctx.Variables = e.vars
		return ctx
	}
	roots := map[string]map[string]cty.Value{"local": {}, "var": {}}
	for _, traversal := range expr.Variables() {
		root := traversal.RootName()
		names, isOurs := roots[root]
		name, isName := attribute(traversal)
		switch {
		case isOurs && isName:
			if _, ok := names[name]; !ok {
				names[name] = e.named(root, name)
			}
		case root == "path":
			ctx.Variables[root] = cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal("."), "cwd": cty.StringVal(".")})
		default:
			ctx.Variables[root] = cty.DynamicVal
		}
	}
	for root, names := range roots {
		ctx.Variables[root] = cty.ObjectVal(names)
	}
	return ctx
}

func attribute(traversal hcl.Traversal) (string, bool) {
	if len(traversal) < 2 {
		return "", false
	}
	name, ok := traversal[1].(hcl.TraverseAttr)
	return name.Name, ok
}

// named returns the value of a local or a variable. One that is made of itself is not known.
func (e *evaluator) named(root, name string) cty.Value {
	d, ok := e.module.named(root, name)
	if !ok {
		return cty.DynamicVal
	}
	key := root + "." + name
	if v, ok := e.module.values[key]; ok {
		return v
	}
	e.module.values[key] = cty.DynamicVal
	e.module.values[key] = valueOf((&evaluator{module: e.module, depth: e.depth + 1}).node(d.expr))
	return e.module.values[key]
}

// valueOf makes a value of a node.
func valueOf(n *doctree.Node) cty.Value {
	switch n.Kind {
	case doctree.Null:
		return cty.NullVal(cty.DynamicPseudoType)
	case doctree.Scalar:
		return scalarOf(n)
	case doctree.List:
		items := make([]cty.Value, len(n.Items))
		for i, item := range n.Items {
			items[i] = valueOf(item)
		}
		return cty.TupleVal(items)
	case doctree.Map:
		fields := map[string]cty.Value{}
		for _, f := range n.Fields {
			fields[f.Key.Text] = valueOf(f.Value)
		}
		return cty.ObjectVal(fields)
	}
	return cty.DynamicVal
}

func scalarOf(n *doctree.Node) cty.Value {
	switch {
	case strings.Contains(n.Text, doctree.Open):
		return cty.UnknownVal(cty.String)
	case n.Bare && (n.Text == "true" || n.Text == "false"):
		return cty.BoolVal(n.Text == "true")
	case n.Bare:
		if v, err := cty.ParseNumberVal(n.Text); err == nil {
			return v
		}
	}
	return cty.StringVal(n.Text)
}

// nodeOf makes a node of a value, all of which stands at one place.
func nodeOf(v cty.Value, at doctree.Pos, depth int) *doctree.Node {
	n := &doctree.Node{Kind: doctree.Unknown, Pos: at}
	switch t := v.Type(); {
	case !v.IsKnown() || depth > maxDepth:
	case v.IsNull():
		n.Kind = doctree.Null
	case t.IsPrimitiveType():
		text, _ := stringOf(v)
		n.Kind, n.Text, n.Bare = doctree.Scalar, text, t != cty.String
	case t.IsObjectType() || t.IsMapType():
		n.Kind = doctree.Map
		for key, value := range v.AsValueMap() {
			n.Fields = append(n.Fields, doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: key, Pos: at}, Value: nodeOf(value, at, depth+1)})
		}
		sortFields(n)
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		n.Kind = doctree.List
		for _, item := range v.AsValueSlice() {
			n.Items = append(n.Items, nodeOf(item, at, depth+1))
		}
	}
	return n
}

// stringOf returns the text of a value as a template has it; ok is false if it is not known.
func stringOf(v cty.Value) (text string, ok bool) {
	if !v.IsKnown() || v.IsNull() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	if v.Type() == cty.Number {
		if f := v.AsBigFloat(); f.IsInt() {
			i, _ := f.Int(new(big.Int))
			return i.String(), true
		}
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		return "", false
	}
	return s.AsString(), true
}
