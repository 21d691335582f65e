package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// Nomad reads the jobs of a file: blocks are maps in a field of their type, as often as they
// are there, with their label as "label". What Nomad replaces when a task runs is unknown.
//
// https://developer.hashicorp.com/nomad/docs/job-specification
func Nomad(name string, data []byte) (jobs []*doctree.Node, err error) {
	if err := limits.Document.Check(int64(len(data))); err != nil {
		return nil, err
	}
	body, err := parseBody(name, data)
	if err != nil {
		return nil, err
	}
	m := newModule(name, data, "")
	m.add(body)
	e := &evaluator{module: m}
	for _, b := range body.Blocks {
		if b.Type == "job" {
			jobs = append(jobs, e.block(b))
		}
	}
	return jobs, nil
}

// block makes a map of a block.
func (e *evaluator) block(b *hclsyntax.Block) *doctree.Node {
	n := &doctree.Node{Kind: doctree.Map, Pos: posOf(b.TypeRange)}
	if len(b.Labels) > 0 {
		n.Fields = append(n.Fields, doctree.Field{Key: keyNode("label", b.LabelRanges[0]),
			Value: &doctree.Node{Kind: doctree.Scalar, Text: strings.Join(b.Labels, "."), Pos: posOf(b.LabelRanges[0])}})
	}
	for _, a := range sorted(b.Body.Attributes) {
		n.Fields = append(n.Fields, doctree.Field{Key: keyNode(a.Name, a.NameRange), Value: e.node(a.Expr)})
	}
	for _, inner := range b.Body.Blocks {
		n.Fields = append(n.Fields, doctree.Field{Key: keyNode(inner.Type, inner.TypeRange), Value: e.block(inner)})
	}
	return n
}
