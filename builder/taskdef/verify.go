package taskdef

import (
	"slices"
	"strconv"

	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/builder/source"
)

// verify reads an edited file and compares it with what it has to be.
//
// It guards YAML above all, whose values have more ways of being written than can be
// thought of.
func (f *File) verify(edited []byte, changes []Change) error {
	changed := map[*source.Node]Change{}
	for _, c := range changes {
		changed[c.node] = c
	}
	got, err := source.Parse(edited)
	if err == nil && same(f.root, got, changed) {
		return nil
	}
	for _, c := range changes {
		if len(changes) > 1 {
			if _, err := f.Edit([]Change{c}); err != nil {
				return err
			}
		}
	}
	return cannotEdit(changes[0].Pos)
}

// same tells whether got means what want means, but for the changes.
func same(want, got *source.Node, changed map[*source.Node]Change) bool {
	if c, ok := changed[want]; ok {
		want = c.result()
	}
	wants, gots := want.Parts(), got.Parts()
	if want.Kind != got.Kind || want.Text != got.Text || len(wants) != len(gots) || len(want.Fields) != len(got.Fields) {
		return false
	}
	for i := range want.Fields {
		if !same(want.Fields[i].Key, got.Fields[i].Key, changed) {
			return false
		}
	}
	for i := range wants {
		if !same(wants[i], gots[i], changed) {
			return false
		}
	}
	return true
}

// result returns the container as the change has to make it.
func (c Change) result() *source.Node {
	n := *c.node
	n.Fields = slices.Clone(n.Fields)
	pascal := c.set(&n, "image", "name", &source.Node{Kind: source.Scalar, Text: c.Image})
	if c.Check != nil {
		c.set(&n, "healthCheck", "image", checkNode(*c.Check, pascal))
	}
	return &n
}

// set sets a key's value, or puts the key behind another one, written as that one is.
func (c Change) set(n *source.Node, key, before string, value *source.Node) (pascal bool) {
	value.Pos = c.Pos
	if i := find(n, key); i >= 0 {
		n.Fields[i].Value = value
		return isPascal(n.Fields[i].Key.Text)
	}
	i := find(n, before)
	pascal = isPascal(n.Fields[i].Key.Text)
	field := source.Field{Key: &source.Node{Kind: source.Scalar, Text: cased(key, pascal)}, Value: value}
	n.Fields = slices.Insert(n.Fields, i+1, field)
	return pascal
}

func checkNode(hc render.ECSHealthCheck, pascal bool) *source.Node {
	command := &source.Node{Kind: source.List}
	for _, word := range hc.Command {
		command.Items = append(command.Items, &source.Node{Kind: source.Scalar, Text: word})
	}
	n := &source.Node{Kind: source.Map}
	add := func(key string, value *source.Node) {
		n.Fields = append(n.Fields, source.Field{Key: &source.Node{Kind: source.Scalar, Text: cased(key, pascal)}, Value: value})
	}
	add("command", command)
	for _, number := range numbers(hc) {
		add(number.key, &source.Node{Kind: source.Scalar, Text: strconv.Itoa(number.value)})
	}
	return n
}
