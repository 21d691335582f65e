package doctree_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/doctree"
)

// Comments, trailing commas and templates leave all the rest where it is.
func TestLenient(t *testing.T) {
	docs, err := doctree.ParseLenient([]byte("// {\n{\"a\": /* x */ 1, \"b\": \"x {{ must_env \"X\" }} y\", \"c\": {{ y }}, \"d\": true,}"))
	if err != nil {
		t.Fatal(err)
	}
	doc := docs[0]
	if b, _ := doc.Get("b").Str(); b != "x "+doctree.Open+" y" {
		t.Errorf("b is %q", b)
	}
	if c := doc.Get("c"); c.Kind != doctree.Unknown {
		t.Errorf("c is %+v", c)
	}
	if d := doc.Get("d"); !d.IsTrue() || d.Pos != (doctree.Pos{Line: 2, Column: 68}) {
		t.Errorf("d is %+v", d)
	}
	_, err = doctree.ParseLenient([]byte("{\"a\": 1, // x\n \"b\" 2}"))
	var at *doctree.Error
	if !errors.As(err, &at) || at.Pos != (doctree.Pos{Line: 2, Column: 6}) {
		t.Errorf("error %v", err)
	}
}

func FuzzParseLenient(f *testing.F) {
	for _, text := range []string{`{"a": 1, // x` + "\n}", `[{{ x }}, "{{ "y" }}",]`, "/* */[]", "{{", `{"\"{{ }}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1 +
			strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		_, err := doctree.ParseLenient(data)
		var at *doctree.Error
		if errors.As(err, &at) && (at.Line < 1 || at.Line > lines) {
			t.Errorf("%v is not in the file's %d lines", err, lines)
		}
	})
}

// TestTemplateBehindQuotes checks that quotes in a string do not end it.
func TestTemplateBehindQuotes(t *testing.T) {
	docs, err := doctree.ParseLenient([]byte(`{"a": "\"{{ x }}\\", "b": {{ y }}, }`))
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := docs[0].Get("a").Str(); !ok || text != `"`+doctree.Open+`\` {
		t.Errorf("a is %q, %v", text, ok)
	}
	if docs[0].Get("b").Kind != doctree.Unknown {
		t.Errorf("b is %+v", docs[0].Get("b"))
	}
}
