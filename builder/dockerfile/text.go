package dockerfile

import (
	"bytes"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/ko-health/kohealth/builder/doctree"
)

// A text is an instruction in one line, as BuildKit's parser makes one of those that it is
// written in, with where each of them begins.
type text struct {
	text   string
	pieces []piece
}

// A piece is what one line of the file gives.
type piece struct {
	start int // in the text
	line  int
	data  []byte // from the beginning of the line
	skip  int    // of data, before the piece begins
}

// text finds the text of an instruction. Comments and empty lines within it do not count.
func (p *parsing) text(n *parser.Node) text {
	var t text
	var joined []byte
	for line := n.StartLine; line <= n.EndLine && line <= len(p.lines); line++ {
		data := bytes.TrimRight(p.lines[line-1], "\r\n")
		if line == 1 {
			data = bytes.TrimPrefix(data, []byte("\uFEFF"))
		}
		trimmed := bytes.TrimSpace(data)
		if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		skip := 0
		if len(joined) == 0 {
			skip = len(data) - len(bytes.TrimLeft(data, " \t\v\f\r"))
		}
		t.pieces = append(t.pieces, piece{len(joined), line, data, skip})
		rest := bytes.TrimRight(data[skip:], " \t")
		continues := bytes.HasSuffix(rest, []byte(string(p.file.escape)))
		if !continues {
			joined = append(joined, data[skip:]...)
			break
		}
		joined = append(joined, rest[:len(rest)-1]...)
	}
	t.text = string(joined)
	if t.text != n.Original { // then nothing is sure but the line
		return text{n.Original, []piece{{0, n.StartLine, nil, 0}}}
	}
	return t
}

// pos returns where a byte of the text stands.
func (t text) pos(offset int) doctree.Pos {
	at := t.pieces[0]
	for _, p := range t.pieces {
		if p.start <= offset {
			at = p
		}
	}
	end := min(at.skip+offset-at.start, len(at.data))
	return doctree.Pos{Line: at.line, Column: utf8.RuneCount(at.data[:end]) + 1}
}
