package dockerfile

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/ko-health/kohealth/builder/doctree"
)

// A Check is a HEALTHCHECK.
type Check struct {
	Pos     doctree.Pos
	Test    []Word            // as in an image's config: NONE, CMD, CMD-SHELL
	Options map[string]Option // by the name: interval, timeout, start-period, start-interval, retries

	// Refused is what BuildKit says against it, or nil.
	Refused error
}

// An Option is one of a HEALTHCHECK's.
type Option struct {
	Word // the value
	// At is where the option itself stands.
	At doctree.Pos
}

// A Word is a text and where it stands.
type Word struct {
	Text string
	Pos  doctree.Pos
}

// check reads a HEALTHCHECK, also one that BuildKit refuses for its options. The error is
// one of its form.
func (p *parsing) check(n *parser.Node) (*Check, error) {
	t := p.text(n)
	c := &Check{Pos: t.pos(0), Options: map[string]Option{}}
	_, err := instructions.ParseInstruction(n)
	if n.Next == nil || !strings.EqualFold(n.Next.Value, "CMD") && !strings.EqualFold(n.Next.Value, "NONE") {
		return nil, err
	}
	rest := c.readOptions(t, n.Flags, p.file.escape)
	if !strings.HasPrefix(t.text[rest:], n.Next.Value) { // as behind an option that is no more than --
		t, rest = text{"", t.pieces[:1]}, 0
	}
	if err != nil {
		c.Refused = &doctree.Error{Pos: c.refusedAt(), Err: cause(err)}
	}
	kind := Word{strings.ToUpper(n.Next.Value), t.pos(rest)}
	if kind.Text == "NONE" {
		c.Test = []Word{kind}
		return c, nil
	}
	if t.text != "" {
		rest = skipSpace(t.text, rest+len(kind.Text))
	}
	if !n.Attributes["json"] {
		kind.Text = "CMD-SHELL"
	}
	c.Test = append([]Word{kind}, words(t, rest, n)...)
	return c, nil
}

// readOptions notes the options and returns where the command begins.
func (c *Check) readOptions(t text, flags []string, escape rune) (rest int) {
	rest = len("HEALTHCHECK")
	for _, flag := range flags {
		rest = skipSpace(t.text, rest)
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		at := rest
		rest += wordLength(t.text[rest:], escape)
		written := t.text[at:rest]
		c.Options[name] = Option{Word{value, t.pos(at + strings.IndexByte(written, '=') + 1)}, t.pos(at)}
	}
	return skipSpace(t.text, rest)
}

// skipSpace returns where a text goes on behind spaces.
func skipSpace(text string, at int) int {
	return len(text) - len(strings.TrimLeftFunc(text[at:], unicode.IsSpace))
}

// refusedAt returns the place of the option that BuildKit refuses: of what is no duration, the
// first in its order, or else of what is none of its options.
func (c *Check) refusedAt() doctree.Pos {
	known := []string{"interval", "timeout", "start-period", "start-interval", "retries"}
	for name, o := range c.Options {
		if !slices.Contains(known, name) {
			return o.At
		}
	}
	for _, name := range known[:4] {
		d, err := time.ParseDuration(c.Options[name].Text)
		if c.Options[name].Text != "" && (err != nil || d != 0 && d < time.Millisecond) {
			return c.Options[name].Pos
		}
	}
	if o, ok := c.Options["retries"]; ok {
		return o.Pos
	}
	return c.Pos
}

// wordLength returns how long the word is that begins a text. Spaces belong to it within
// quotes, and behind the escape character.
func wordLength(text string, escape rune) int {
	quote, escaped := rune(0), false
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == escape:
			escaped = true
		case quote == 0 && unicode.IsSpace(r):
			return i
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		}
	}
	return len(text)
}

// words returns the words of a command that begins at an offset: in JSON, each where it
// stands, or else one.
func words(t text, start int, n *parser.Node) (found []Word) {
	if !n.Attributes["json"] {
		if n.Next.Next == nil {
			return nil
		}
		return []Word{{n.Next.Next.Value, t.pos(start)}}
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(t.text[start:])))
	dec.Token() // the bracket: BuildKit has parsed it
	for word := n.Next.Next; word != nil; word = word.Next {
		at := start + int(dec.InputOffset())
		at = len(t.text) - len(strings.TrimLeft(t.text[at:], " \t\r\n,"))
		found = append(found, Word{word.Value, t.pos(at)})
		dec.Token()
	}
	return found
}
