package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/composefile"
)

// asWritten returns a test as a Compose file has to say it: $$ for $, and what the file's
// own test has of Compose's variables in the place of their values, where it is clear
// which those are.
func (c *container) asWritten(test []string) []string {
	const between = "\x00"
	text := strings.Join(test, between)
	var b strings.Builder
	end := 0
	for _, s := range c.Said.variableSpans(text) {
		if s.start < end {
			continue
		}
		b.WriteString(strings.ReplaceAll(text[end:s.start], "$", "$$"))
		b.WriteString(s.Written)
		end = s.start + len(s.Value)
	}
	b.WriteString(strings.ReplaceAll(text[end:], "$", "$$"))
	return strings.Split(b.String(), between)
}

// A span is a place in a text where the value of a variable stands.
type span struct {
	composefile.Part
	start int
}

// variableSpans finds the values of a test's variables in a text that was made of the
// test: each value that is in both equally often is taken for the same ones.
func (c *check) variableSpans(text string) (spans []span) {
	if c == nil {
		return nil
	}
	var whole strings.Builder
	var own []span
	for _, a := range c.Test {
		for _, p := range a.Parts {
			own = append(own, span{p, whole.Len()})
			whole.WriteString(p.Value)
		}
		if a.Parts == nil {
			whole.WriteString(a.Text)
		}
		whole.WriteByte(0)
	}
	for _, s := range own {
		if s.Name == "" || s.Value == "" || strings.Count(whole.String(), s.Value) != strings.Count(text, s.Value) {
			continue
		}
		before := strings.Count(whole.String()[:s.start], s.Value)
		spans = append(spans, span{s.Part, nth(text, s.Value, before)})
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return spans
}

// nth returns where a value stands in a text that has it more than n times.
func nth(text, value string, n int) int {
	at := strings.Index(text, value)
	for range n {
		at += len(value)
		at += strings.Index(text[at:], value)
	}
	return at
}

// named returns a text with variables in the place of what is not known of a test.
func (c *check) named(text string) string {
	if !isOpen(text) {
		return text
	}
	var args []arg
	if c != nil {
		args = c.Test
	}
	for _, a := range args {
		for _, p := range a.Parts {
			if p.Value == composefile.Unknown {
				text = strings.Replace(text, composefile.Unknown, p.Written, 1)
			}
		}
	}
	return strings.ReplaceAll(text, composefile.Unknown, "?")
}
