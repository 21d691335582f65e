// Package doctree reads JSON and YAML into values that know where they stand.
package doctree

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
)

// A Pos is a place in a file. Lines and columns count from 1, columns in characters;
// the zero Pos is nowhere.
type Pos struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// An Error is at a place of the file.
type Error struct {
	Pos
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Column, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Kind tells what a node holds.
type Kind int

const (
	Null    Kind = iota
	Scalar       // a string, a number or a boolean
	List         // of Items
	Map          // of Fields
	Unknown      // known only when the file is used: a YAML tag of CloudFormation's, such as !Ref
)

// A Node is a value and where it stands. A nil Node is a value that is not there, on
// which all methods work.
type Node struct {
	Kind   Kind
	Text   string // of a scalar, unquoted
	Bare   bool   // a scalar is a number or a boolean, and no string
	Made   bool   // a scalar's text is not the file's own: a template in it was filled in
	Items  []*Node
	Fields []Field
	Inside *Node // what an Unknown list or map holds
	Flow   bool  // a list or map is written in brackets
	Pos    Pos
	Span   Span
}

// A Span says which bytes of the file a value is, counted behind a byte order mark. It
// is zero where that is not known: for what is there through an alias, and for what ends
// with a scalar of YAML's that is not on one line. Tags and anchors belong to the value.
type Span struct{ Start, End int }

// Known reports whether the span is known.
func (s Span) Known() bool { return s.End > 0 }

// A Field is a key of a map with its value.
type Field struct{ Key, Value *Node }

// Parse parses a document, JSON if it begins as such and else YAML, of which it is the
// first of the file. Errors in its syntax are of type [*Error].
func Parse(data []byte) (*Node, error) {
	docs, err := parse(data, 1)
	if err != nil {
		return nil, err
	}
	return docs[0], nil
}

// ParseAll parses all documents of a file, of which there is one at least. The limits for
// a document hold for each of them, and others for the file.
func ParseAll(data []byte) ([]*Node, error) { return parse(data, int(limits.DocumentValues.Max())) }

func parse(data []byte, most int) ([]*Node, error) {
	if err := checkSizes(data); err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if text := bytes.TrimSpace(data); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		n, err := parseJSON(data)
		return []*Node{n}, err
	}
	return parseYAML(data, most)
}

// Get returns the value of a key, whatever the key's case: ECS and CloudFormation
// differ in nothing else. Of equal keys the last counts.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Fields) - 1; i >= 0; i-- {
		if strings.EqualFold(n.Fields[i].Key.Text, key) {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Given reports whether there is a value: none is null, and what CloudFormation leaves out.
func (n *Node) Given() bool { return n != nil && n.Kind != Null && !n.isNoValue() }

// isNoValue reports whether the value is !Ref AWS::NoValue, or {"Ref": "AWS::NoValue"}.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
func (n *Node) isNoValue() bool {
	const noValue = "AWS::NoValue"
	if n.Kind == Unknown {
		return n.Text == noValue
	}
	return len(n.Fields) == 1 && n.Fields[0].Key.Text == "Ref" && n.Fields[0].Value.Text == noValue
}

// Str returns a scalar's text; ok is false for everything else.
func (n *Node) Str() (s string, ok bool) {
	if n == nil || n.Kind != Scalar {
		return "", false
	}
	return n.Text, true
}

// Int returns a scalar's whole number; ok is false for everything else. Numbers may be
// quoted, as CloudFormation allows.
func (n *Node) Int() (i int, ok bool) {
	s, ok := n.Str()
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(s)
	return i, err == nil
}

// IsTrue reports whether the value is true.
func (n *Node) IsTrue() bool {
	s, _ := n.Str()
	return s == "true"
}

// List returns the items of a list; nothing for everything else.
func (n *Node) List() []*Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// Map returns the fields of a map; nothing for everything else.
func (n *Node) Map() []Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// Parts returns the values that the value is made of: those that are not keys.
func (n *Node) Parts() (parts []*Node) {
	if n == nil {
		return nil
	}
	parts = append(parts, n.Items...)
	for _, f := range n.Fields {
		parts = append(parts, f.Value)
	}
	if n.Inside != nil {
		parts = append(parts, n.Inside)
	}
	return parts
}

// checkSizes checks the sizes of a file and of each of its documents.
func checkSizes(data []byte) error {
	size := 0
	for line := range bytes.Lines(data) {
		if isSeparator(line) {
			size = 0
		}
		size += len(line)
		if err := limits.Document.Check(int64(size)); err != nil {
			return err
		}
	}
	return limits.Documents.Check(int64(len(data)))
}

// isSeparator reports whether a line begins a document of YAML's. No other line can begin
// like this, those of long strings included.
//
// https://yaml.org/spec/1.2.2/#rule-c-forbidden
func isSeparator(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// A tally counts what a document holds, its aliases expanded, and the documents before it.
type tally struct{ values, text, before, textBefore int64 }

// value counts a value at a depth with its text.
func (t *tally) value(depth int, text string) error {
	t.values++
	t.text += int64(len(text))
	return cmp.Or(
		limits.DocumentDepth.Check(int64(depth)),
		limits.DocumentValues.Check(t.values),
		limits.DocumentText.Check(t.text),
		limits.DocumentsValues.Check(t.before+t.values),
		limits.DocumentsText.Check(t.textBefore+t.text))
}

// next goes on to the next document.
func (t *tally) next() {
	*t = tally{before: t.before + t.values, textBefore: t.textBefore + t.text}
}

// At returns where the value stands, or else the first of the others that is there.
func (n *Node) At(or ...*Node) Pos {
	for _, m := range append([]*Node{n}, or...) {
		if m != nil {
			return m.Pos
		}
	}
	return Pos{}
}
