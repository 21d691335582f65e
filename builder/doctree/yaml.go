package doctree

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	yaml4 "go.yaml.in/yaml/v4"
)

// parseYAML parses the documents of a file, at most as many as are asked for.
func parseYAML(data []byte, most int) (docs []*Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	c := &converter{measure: newMeasure(data)}
	for len(docs) < most {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, locateYAML(data, err)
		}
		n, err := c.node(&doc, 0)
		if err != nil {
			return nil, err
		}
		docs = append(docs, n)
		c.tally.next()
	}
	if len(docs) == 0 {
		return []*Node{{}}, nil
	}
	return docs, nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// locateYAML finds the line of an error. Version 3 of the library names the one where the
// list or map begins that is wrong, or one before that; version 4 knows where it is wrong.
func locateYAML(data []byte, err error) error {
	m := yamlError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return err
	}
	line, _ := strconv.Atoi(m[1]) // none is line 1
	var exact *yaml4.LoadError
	if errors.As(lastError(data), &exact) {
		line = exact.Mark.Line
	}
	last := len(lineBreak.FindAllIndex(data, -1)) + 1 // the library may name one behind it
	return &Error{Pos{min(max(line, 1), last), 1}, errors.New(m[2])}
}

// lineBreak matches what YAML takes for the end of a line.
var lineBreak = regexp.MustCompile(`\r\n?|[\n\x{85}\x{2028}\x{2029}]`)

// lastError returns what ends the documents of a file for version 4 of the library.
func lastError(data []byte) (err error) {
	for dec := yaml4.NewDecoder(bytes.NewReader(data)); err == nil; {
		err = dec.Decode(new(yaml4.Node))
	}
	return err
}

// A converter makes nodes of YAML's, with aliases and merge keys expanded.
type converter struct {
	tally   tally
	aliases int // that lead to the node
	measure *measure
}

func (c *converter) node(y *yaml.Node, depth int) (*Node, error) {
	if err := c.tally.value(depth, y.Value); err != nil { // aliases that contain themselves end here, too
		return nil, &Error{Pos{y.Line, y.Column}, err}
	}
	n := &Node{Pos: Pos{y.Line, y.Column}, Flow: y.Style&yaml.FlowStyle != 0}
	if c.aliases == 0 {
		start := c.measure.offset(n.Pos)
		defer func() { n.Span = c.measure.span(start, y, n) }()
	}
	if isForeign(y.Tag) {
		n.Kind, n.Text = Unknown, y.Value
		return n, c.inside(n, y, depth)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return c.node(y.Content[0], depth)
	case yaml.AliasNode:
		c.aliases++
		defer func() { c.aliases-- }()
		return c.node(y.Alias, depth+1)
	case yaml.ScalarNode:
		if y.Tag != "!!null" {
			n.Kind, n.Text, n.Bare = Scalar, y.Value, y.Tag != "!!str"
		}
		return n, nil
	case yaml.SequenceNode:
		n.Kind = List
		return n, c.items(n, y, depth+1)
	}
	n.Kind = Map
	return n, c.fields(n, y, depth+1)
}

// inside converts what a list or map with a foreign tag holds.
func (c *converter) inside(n *Node, y *yaml.Node, depth int) (err error) {
	if y.Kind == yaml.ScalarNode {
		return nil
	}
	untagged := *y
	untagged.Tag = ""
	n.Inside, err = c.node(&untagged, depth+1)
	return err
}

// isForeign reports whether a tag is an application's own, such as !Ref.
func isForeign(tag string) bool {
	return strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && tag != "!"
}

func (c *converter) items(n *Node, y *yaml.Node, depth int) error {
	for _, item := range y.Content {
		child, err := c.node(item, depth)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, child)
	}
	return nil
}

// fields puts merged fields first: those of the map itself win.
func (c *converter) fields(n *Node, y *yaml.Node, depth int) error {
	var own []Field
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := c.node(y.Content[i], depth)
		if err != nil {
			return err
		}
		value, err := c.node(y.Content[i+1], depth)
		if err != nil {
			return err
		}
		if y.Content[i].Tag == "!!merge" {
			n.merge(value)
			continue
		}
		own = append(own, Field{key, value})
	}
	n.Fields = append(n.Fields, own...)
	return nil
}

// merge adds the fields of a merge key's value, a map or a list of maps of which
// earlier ones win.
func (n *Node) merge(value *Node) {
	for i := len(value.Items) - 1; i >= 0; i-- {
		n.Fields = append(n.Fields, value.Items[i].Fields...)
	}
	n.Fields = append(n.Fields, value.Fields...)
}
