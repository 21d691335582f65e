package doctree

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A measure finds the bytes of YAML's values, of which the library tells only the line
// and the column of the beginning. It is meant for values in the order of the file.
type measure struct {
	data []byte
	at   int // of pos
	pos  Pos
}

func newMeasure(data []byte) *measure { return &measure{data: data, pos: Pos{1, 1}} }

// offset returns where a place is, or -1 if it lies before the last one, or nowhere.
func (m *measure) offset(pos Pos) int {
	for m.at < len(m.data) && m.pos != pos {
		if m.pos.Line > pos.Line || m.pos.Line == pos.Line && m.pos.Column > pos.Column {
			return -1
		}
		m.advance()
	}
	if m.pos != pos {
		return -1
	}
	return m.at
}

// advance goes on by a character; CR LF is one. Line breaks are YAML 1.1's.
func (m *measure) advance() {
	r, size := utf8.DecodeRune(m.data[m.at:])
	if r == '\r' && bytes.HasPrefix(m.data[m.at:], []byte("\r\n")) {
		size = 2
	}
	m.at += size
	switch r {
	case '\n', '\r', '\u0085', '\u2028', '\u2029':
		m.pos = Pos{m.pos.Line + 1, 1}
	default:
		m.pos.Column++
	}
}

// span returns which bytes a value is that begins at start, and whose parts are
// measured.
func (m *measure) span(start int, y *yaml.Node, n *Node) Span {
	end := -1
	switch {
	case start < 0:
	case n.Inside != nil:
		return n.Inside.Span
	case y.Kind == yaml.ScalarNode:
		if value := m.skipProperties(start); value == start || y.Value != "" || y.Style&^yaml.TaggedStyle != 0 {
			end = m.endOfScalar(value, y)
		} // else nothing follows a tag or an anchor, and what comes next is another value
	case y.Kind == yaml.SequenceNode || y.Kind == yaml.MappingNode:
		end = m.endOfParts(m.skipProperties(start), y, n)
	}
	if end < 0 {
		return Span{}
	}
	return Span{start, end}
}

// skipProperties returns where a value goes on behind tag and anchor.
func (m *measure) skipProperties(start int) int {
	for start < len(m.data) && (m.data[start] == '!' || m.data[start] == '&') {
		length := bytes.IndexAny(m.data[start:], " \t\r\n")
		if length < 0 {
			return len(m.data)
		}
		start += length
		start += len(m.data[start:]) - len(bytes.TrimLeft(m.data[start:], " \t\r\n"))
	}
	return start
}

func (m *measure) endOfScalar(start int, y *yaml.Node) int {
	switch text := m.data[start:]; y.Style &^ yaml.TaggedStyle {
	case 0: // plain
		if bytes.HasPrefix(text, []byte(y.Value)) {
			return start + len(y.Value)
		}
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		for i := 1; i < len(text); i++ {
			switch {
			case text[0] == '"' && text[i] == '\\':
				i++
			case text[0] == '\'' && bytes.HasPrefix(text[i:], []byte("''")):
				i++
			case text[i] == text[0]:
				return start + i + 1
			}
		}
	}
	return -1
}

// endOfParts returns the end of a list or map: its bracket's, or that of its last part.
func (m *measure) endOfParts(start int, y *yaml.Node, n *Node) int {
	end := start + 1
	if last := lastPart(n); last != nil {
		end = last.Span.End
	}
	if k := len(y.Content) - 2; end == 0 || y.Kind == yaml.MappingNode && k >= 0 && y.Content[k].Tag == "!!merge" {
		return -1 // the last part is not known, or not one of the map's own
	}
	if y.Style&yaml.FlowStyle == 0 {
		return end
	}
	for end < len(m.data) {
		switch m.data[end] {
		case ']', '}':
			return end + 1
		case '#':
			if i := bytes.IndexByte(m.data[end:], '\n'); i >= 0 {
				end += i
				continue
			}
			return -1
		case ' ', '\t', '\r', '\n', ',', ':':
			end++
		default:
			return -1
		}
	}
	return -1
}

func lastPart(n *Node) *Node {
	switch {
	case len(n.Items) > 0:
		return n.Items[len(n.Items)-1]
	case len(n.Fields) > 0:
		return n.Fields[len(n.Fields)-1].Value
	}
	return nil
}
