package doctree

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Open stands in a text for what is known only when the file is used.
const Open = "\uFFFC"

// Pieces are a JSON document that is made of pieces of a file, some of which are not
// known: what a template will be.
type Pieces struct {
	text   strings.Builder
	pieces []piecePos
	quoted bool // the text ends within a string
}

// A piecePos is where a piece begins, in the text and in the file.
type piecePos struct {
	offset int
	at     Pos
	fixed  bool // all of it stands there, as where the text is not the file's own
}

// Add adds text that stands in the file as it is.
func (p *Pieces) Add(text string, at Pos) { p.add(text, piecePos{p.text.Len(), at, false}) }

// AddValue adds text that something at a place of the file makes.
func (p *Pieces) AddValue(text string, at Pos) { p.add(text, piecePos{p.text.Len(), at, true}) }

// AddOpen adds what is not known: a part of a string within one, and else a value.
func (p *Pieces) AddOpen(at Pos) {
	text := Open
	if !p.quoted {
		text = `"` + openValue + `"`
	}
	p.AddValue(text, at)
}

// openValue stands for a value that is not known as a whole. No file has it.
const openValue = Open + "value" + Open

func (p *Pieces) add(text string, at piecePos) {
	p.pieces = append(p.pieces, at)
	p.text.WriteString(text)
	escaped := false
	for i := range len(text) {
		switch {
		case escaped:
			escaped = false
		case text[i] == '\\' && p.quoted:
			escaped = true
		case text[i] == '"':
			p.quoted = !p.quoted
		}
	}
}

// Parse parses the document. Values, and errors, stand where their pieces do.
func (p *Pieces) Parse() (*Node, error) {
	text := p.text.String()
	n, err := parseJSON([]byte(text))
	if err != nil {
		var at *Error
		if errors.As(err, &at) {
			return nil, &Error{p.pos(offsetOf(text, at.Pos)), at.Err}
		}
		return nil, err
	}
	p.place(n)
	return n, nil
}

func (p *Pieces) place(n *Node) {
	n.Made = n.Kind == Scalar && p.fills(n.Span)
	n.Pos, n.Span = p.pos(n.Span.Start), Span{}
	if n.Kind == Scalar && n.Text == openValue {
		n.Kind, n.Text = Unknown, ""
	}
	for _, f := range n.Fields {
		p.place(f.Key)
		f.Key.Kind = Scalar
	}
	for _, part := range n.Parts() {
		p.place(part)
	}
}

// fills reports whether something else than the file gives a part of a span.
func (p *Pieces) fills(s Span) bool {
	first, _ := slices.BinarySearchFunc(p.pieces, s.Start+1, func(at piecePos, offset int) int { return at.offset - offset })
	for _, at := range p.pieces[first:] {
		if at.offset >= s.End {
			return false
		}
		if at.fixed {
			return true
		}
	}
	return false
}

// pos returns where a byte of the text stands in the file.
func (p *Pieces) pos(offset int) Pos {
	i, found := slices.BinarySearchFunc(p.pieces, offset, func(at piecePos, offset int) int { return at.offset - offset })
	if !found {
		i--
	}
	for found && i+1 < len(p.pieces) && p.pieces[i+1].offset == offset { // those before it are empty
		i++
	}
	if i < 0 {
		return Pos{1, 1}
	}
	at := p.pieces[i]
	if at.fixed {
		return at.at
	}
	before := p.text.String()[at.offset:offset]
	if line := strings.LastIndexByte(before, '\n'); line >= 0 {
		return Pos{at.at.Line + strings.Count(before, "\n"), utf8.RuneCountInString(before[line+1:]) + 1}
	}
	return Pos{at.at.Line, at.at.Column + utf8.RuneCountInString(before)}
}

// offsetOf returns which byte of a text stands at a place.
func offsetOf(text string, pos Pos) int {
	line, column := 1, 1
	for i, r := range text {
		if line == pos.Line && column == pos.Column {
			return i
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return len(text)
}

// ParseText parses a JSON document that a string at a place of the file holds. All of it
// stands there.
func ParseText(text string, at Pos) (*Node, error) {
	if !json.Valid([]byte(text)) {
		return nil, &Error{at, errors.New("it is no JSON")}
	}
	var p Pieces
	p.AddValue(text, at)
	return p.Parse()
}
