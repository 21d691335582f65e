package composefile

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ko-health/kohealth/builder/doctree"
)

// place returns the model with the places of what is written.
func (l *load) place(model map[string]any) *doctree.Node {
	written := slices.Clone(l.docs)
	slices.Reverse(written) // what comes later wins
	services, _ := model["services"].(map[string]any)
	delete(model, "services")
	root := value(model, written, firstPos(written))
	own := fields(written, "services")
	placed := &doctree.Node{Kind: doctree.Map, Pos: firstPos(append(own, written...))}
	for name, service := range services {
		chain, elsewhere := chain(own, name)
		key := keyOf(own, name)
		if key == nil {
			key = &doctree.Node{Kind: doctree.Scalar, Text: name, Pos: l.originOf(name, placed.Pos)}
		}
		if elsewhere == (doctree.Pos{}) {
			elsewhere = key.Pos
		}
		placed.Fields = append(placed.Fields, doctree.Field{Key: key, Value: value(service, chain, elsewhere)})
	}
	inOrder(placed)
	root.Fields = append(root.Fields, doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: "services", Pos: placed.Pos}, Value: placed})
	return root
}

// originOf returns where a service is included that comes from another file, and notes that.
func (l *load) originOf(name string, or doctree.Pos) doctree.Pos {
	for _, o := range l.origins {
		path, ok := o.services[name]
		if !ok {
			continue
		}
		if relative, err := filepath.Rel(l.dir, path); err == nil {
			path = relative
		}
		l.project.Included[name] = path
		return o.at
	}
	return or
}

func firstPos(nodes []*doctree.Node) doctree.Pos {
	for _, n := range nodes {
		if n.Pos.Line > 0 {
			return n.Pos
		}
	}
	return doctree.Pos{Line: 1, Column: 1}
}

// maxExtends bounds a chain of services that extend each other.
const maxExtends = 20

// chain returns what is written of a service: in the documents, and where the services
// stand that it extends; and where it says that it extends one of another file.
func chain(services []*doctree.Node, name string) (chain []*doctree.Node, elsewhere doctree.Pos) {
	for range maxExtends {
		own := fields(services, name)
		chain = append(chain, own...)
		extends := fields(own, "extends")
		if len(extends) == 0 {
			break
		}
		if extends[0].Get("file").Given() {
			return chain, extends[0].Pos
		}
		name = extends[0].Text
		if service, ok := extends[0].Get("service").Str(); ok {
			name = service
		}
	}
	return chain, doctree.Pos{}
}

// fields returns the values of a key in maps.
func fields(maps []*doctree.Node, key string) (values []*doctree.Node) {
	for _, m := range maps {
		if i := lastField(m, key); i >= 0 {
			values = append(values, untagged(m.Fields[i].Value))
		}
	}
	return values
}

// lastField returns which field of a map has a key, exactly, or -1. Of equal keys, as
// merge keys make them, the last counts.
func lastField(n *doctree.Node, key string) int {
	for i := len(n.Map()) - 1; i >= 0; i-- {
		if n.Fields[i].Key.Text == key {
			return i
		}
	}
	return -1
}

// keyOf returns a key of maps, or nil.
func keyOf(maps []*doctree.Node, key string) *doctree.Node {
	for _, m := range maps {
		if i := lastField(m, key); i >= 0 {
			return m.Fields[i].Key
		}
	}
	return nil
}

// untagged returns what a tag of Compose's, such as !override, is on.
func untagged(n *doctree.Node) *doctree.Node {
	if n.Kind == doctree.Unknown && n.Inside != nil {
		return n.Inside
	}
	return n
}

// value returns a value of the model at the place of what is written of it. What is not
// written in the file stands elsewhere.
func value(v any, written []*doctree.Node, elsewhere doctree.Pos) *doctree.Node {
	n := &doctree.Node{Pos: elsewhere}
	if len(written) > 0 {
		n.Pos = written[0].Pos
		if written[0].Kind != doctree.Map { // a short form of what Compose writes out
			elsewhere = n.Pos
		}
	}
	switch v := v.(type) {
	case nil:
	case map[string]any:
		n.Kind = doctree.Map
		for name, field := range v {
			key := keyOf(written, name)
			if key == nil {
				key = &doctree.Node{Kind: doctree.Scalar, Text: name, Pos: elsewhere}
			}
			n.Fields = append(n.Fields, doctree.Field{Key: key, Value: value(field, fields(written, name), elsewhere)})
		}
		inOrder(n)
	case []any:
		n.Kind = doctree.List
		for i, item := range v {
			n.Items = append(n.Items, value(item, items(written, i, len(v)), n.Pos))
		}
	default:
		n.Kind, n.Text = doctree.Scalar, unknown(fmt.Sprint(v))
	}
	return n
}

// items returns what is written of an item of a list, where that has as many items.
func items(written []*doctree.Node, i, length int) []*doctree.Node {
	for _, w := range written {
		if len(w.Items) == length {
			return []*doctree.Node{untagged(w.Items[i])}
		}
	}
	return nil
}

// inOrder sorts the fields of a map as they are written.
func inOrder(n *doctree.Node) {
	slices.SortFunc(n.Fields, func(a, b doctree.Field) int {
		p, q := a.Key.Pos, b.Key.Pos
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(a.Key.Text, b.Key.Text))
	})
}
