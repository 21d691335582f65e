package taskdef

import (
	"slices"
	"strconv"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/render"
)

// verify reads an edited file and compares it with what it has to be.
//
// It guards YAML above all, whose values have more ways of being written than can be
// thought of.
func (f *File) verify(edited []byte, changes []Change) error {
	changed := map[*doctree.Node]Change{}
	for _, c := range changes {
		changed[c.node] = c
	}
	got, err := doctree.Parse(edited)
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

// same reports whether got means what want means, but for the changes.
func same(want, got *doctree.Node, changed map[*doctree.Node]Change) bool {
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
func (c Change) result() *doctree.Node {
	n := *c.node
	n.Fields = slices.Clone(n.Fields)
	pascal := c.set(&n, "image", "name", &doctree.Node{Kind: doctree.Scalar, Text: c.Image})
	if c.Check != nil {
		c.set(&n, "healthCheck", "image", checkNode(*c.Check, pascal))
	}
	return &n
}

// set sets a key's value, or puts the key behind another one, written as that one is.
func (c Change) set(n *doctree.Node, key, before string, value *doctree.Node) (pascal bool) {
	value.Pos = c.Pos
	if i := find(n, key); i >= 0 {
		n.Fields[i].Value = value
		return isPascal(n.Fields[i].Key.Text)
	}
	i := find(n, before)
	pascal = isPascal(n.Fields[i].Key.Text)
	field := doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: cased(key, pascal)}, Value: value}
	n.Fields = slices.Insert(n.Fields, i+1, field)
	return pascal
}

func checkNode(hc render.ECSHealthCheck, pascal bool) *doctree.Node {
	command := &doctree.Node{Kind: doctree.List}
	for _, word := range hc.Command {
		command.Items = append(command.Items, &doctree.Node{Kind: doctree.Scalar, Text: word})
	}
	n := &doctree.Node{Kind: doctree.Map}
	add := func(key string, value *doctree.Node) {
		n.Fields = append(n.Fields, doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: cased(key, pascal)}, Value: value})
	}
	add("command", command)
	for _, number := range numbers(hc) {
		add(number.key, &doctree.Node{Kind: doctree.Scalar, Text: strconv.Itoa(number.value)})
	}
	return n
}
