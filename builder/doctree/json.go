package doctree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

func parseJSON(data []byte) (*Node, error) {
	p := &jsonParser{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1, column: 1}
	p.dec.UseNumber()
	n, err := p.value(0)
	if err == nil {
		if _, end := p.dec.Token(); !errors.Is(end, io.EOF) {
			p.skip()
			err = errors.New("unexpected data after the document")
		}
	}
	if err != nil {
		return nil, p.locate(err)
	}
	return n, nil
}

// A jsonParser counts lines and columns beside the decoder.
type jsonParser struct {
	data         []byte
	dec          *json.Decoder
	offset       int // to which lines and columns are counted
	line, column int
	tally        tally
}

func (p *jsonParser) advance(to int) {
	for p.offset < to {
		r, size := utf8.DecodeRune(p.data[p.offset:])
		p.offset += size
		if p.column++; r == '\n' {
			p.line, p.column = p.line+1, 1
		}
	}
}

// skip advances to the next token and returns where it stands.
func (p *jsonParser) skip() Pos {
	at := int(p.dec.InputOffset())
	for at < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[at]) >= 0 {
		at++
	}
	p.advance(at)
	return Pos{p.line, p.column}
}

func (p *jsonParser) locate(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		// The decoder's offsets count from its last value; those of Unmarshal, from the
		// beginning, and to the character that is wrong.
		if whole := json.Unmarshal(p.data, new(json.RawMessage)); errors.As(whole, &syntax) {
			err = whole
		}
		*p = jsonParser{data: p.data, line: 1, column: 1}
		p.advance(int(syntax.Offset) - 1)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.advance(len(p.data))
		err = errors.New("the file ends too early")
	}
	return &Error{Pos{p.line, p.column}, err}
}

func (p *jsonParser) value(depth int) (*Node, error) {
	n := &Node{Pos: p.skip(), Flow: true}
	n.Span.Start = p.offset
	tok, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	if err := p.tally.value(depth, ""); err != nil { // text is at most what the file has
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '{' {
			n.Kind = Map
			err = p.fields(n, depth+1)
		} else {
			n.Kind = List
			err = p.items(n, depth+1)
		}
		if err == nil {
			_, err = p.dec.Token() // the closing one
		}
	case nil:
	default:
		_, isString := tok.(string)
		n.Kind, n.Text, n.Bare = Scalar, fmt.Sprint(tok), !isString
	}
	n.Span.End = int(p.dec.InputOffset())
	return n, err
}

func (p *jsonParser) items(n *Node, depth int) error {
	for p.dec.More() {
		item, err := p.value(depth)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
	}
	return nil
}

func (p *jsonParser) fields(n *Node, depth int) error {
	for p.dec.More() {
		key, err := p.value(depth) // the decoder takes nothing but a string
		if err != nil {
			return err
		}
		value, err := p.value(depth)
		if err != nil {
			return err
		}
		n.Fields = append(n.Fields, Field{key, value})
	}
	return nil
}
