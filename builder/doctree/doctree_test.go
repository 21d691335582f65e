package doctree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

func parse(t *testing.T, text string) *doctree.Node {
	t.Helper()
	n, err := doctree.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// JSON and YAML of the same values are the same but for their places.
func TestParse(t *testing.T) {
	for name, text := range map[string]string{
		"JSON": "\uFEFF{\n  \"a\": [1, \"zwei\", true, null],\n\t\"B\": {\"ü\": \"\\u00e9\", \"last\": 2.50}}\n",
		"YAML": "a:\n  - 1\n  - zwei\n  - true\n  - ~\nB:\n  ü: é\n  last: 2.50\n",
	} {
		n := parse(t, text)
		a := n.Get("A").List()
		one, _ := a[0].Int()
		two, _ := a[1].Str()
		last, _ := n.Get("b").Get("last").Str()
		e, _ := n.Get("b").Get("ü").Str()
		if len(a) != 4 || one != 1 || two != "zwei" || !a[2].IsTrue() || a[3].Given() || last != "2.50" || e != "é" {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

func TestPositions(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"a\" : \"ü\", \"b\":\t7}":    "2:9 2:19",
		"a: ü\n\nb:    7\n":                 "1:4 3:7",
		"{\"x\": {\"y\": []},\n\n\"b\":1 }": "- 3:5",
		"x: &x {b: 1}\n<<: *x\nb: 2":        "- 3:4",
		"x: &x {a: 1}\n<<: *x\nb: 2":        "1:11 3:4",
	} {
		n := parse(t, text)
		var got []string
		for _, key := range []string{"a", "b"} {
			if at := n.Get(key).At(); at == (doctree.Pos{}) {
				got = append(got, "-")
			} else {
				got = append(got, fmt.Sprintf("%d:%d", at.Line, at.Column))
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// Spans are those of the values, with quotes, brackets, tags and anchors.
func TestSpans(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": [1, {"é": "\"]"}], "b" : 2.50 }`:                `[1, {"é": "\"]"}] | 2.50`,
		"a: ü # c\nb: 'it''s' # c\n":                           "ü | 'it''s'",
		"a: \"\\\"]\"\nb: {x: [1, ], # ]\n y: }\n":             "\"\\\"]\" | {x: [1, ], # ]\n y: }",
		"a:\r\n  x: 1 # c\r\n  y:\r\n  - z\r\n# c\r\nb: 1\r\n": "x: 1 # c\r\n  y:\r\n  - z | 1",
		"a: !If [x, !Ref y]\nb: !!str  7\n":                    "!If [x, !Ref y] | !!str  7",
		"a: !Sub\n- x\n- {y: 1}\nb: !Ref AWS::X # c":           "!Sub\n- x\n- {y: 1} | !Ref AWS::X",
		"a: &a 1\nb: *a\n":                                     "&a 1 | ?",
		"a: >-\n  x\nb: x\n  y\n":                              "? | ?",
		"a:\nb: |\n  x\n":                                      " | ?",
		"\uFEFFa: 1\u2028b: 2":                                 "1 | 2",
	} {
		n, data := parse(t, text), strings.TrimPrefix(text, "\uFEFF")
		var got []string
		for _, key := range []string{"a", "b"} {
			span := n.Get(key).Span
			if !span.Known() {
				got = append(got, "?")
				continue
			}
			got = append(got, data[span.Start:span.End])
		}
		if diff := cmp.Diff(want, strings.Join(got, " | ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestMergeKeys(t *testing.T) {
	n := parse(t, "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n").Get("c")
	for key, want := range map[string]int{"x": 1, "y": 3, "z": 2} {
		if got, ok := n.Get(key).Int(); !ok || got != want {
			t.Errorf("%s = %d, want %d", key, got, want)
		}
	}
}

func TestCloudFormationTags(t *testing.T) {
	n := parse(t, "a: !Ref X\nb: !If [c, d, e]\nc: !!str 7\n")
	if a := n.Get("a"); a.Kind != doctree.Unknown || a.Text != "X" || n.Get("b").Kind != doctree.Unknown || n.Get("c").Kind != doctree.Scalar {
		t.Errorf("%+v", n)
	}
}

// TestParts checks which values a value is made of: what a tag stands before is one.
func TestParts(t *testing.T) {
	for text, want := range map[string]string{
		"a: !Sub [b, c]":       " b c",
		"a: !Sub {k: b}":       " b",
		"a: [b, {k: c}, !T d]": " b c d",
		"a: b":                 " b",
	} {
		n, err := doctree.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := textsIn(n.Get("a")); got != want {
			t.Errorf("%s is made of%s, want%s", text, got, want)
		}
	}
}

func textsIn(n *doctree.Node) (texts string) {
	if n.Text != "" {
		texts = " " + n.Text
	}
	for _, part := range n.Parts() {
		texts += textsIn(part)
	}
	return texts
}

// TestNoValue checks that what CloudFormation leaves out is not given.
func TestNoValue(t *testing.T) {
	for text, want := range map[string]bool{
		"a: !Ref AWS::NoValue":              false,
		"a: {Ref: AWS::NoValue}":            false,
		`{"a": {"Ref": "AWS::NoValue"}}`:    false,
		"a: !If [b, {}, !Ref AWS::NoValue]": true,
		"a: !Ref Check":                     true,
		"a: AWS::NoValue":                   true,
		"a: {Command: AWS::NoValue}":        true,
		"a: {Ref: AWS::NoValue, b: c}":      true,
	} {
		if got := parse(t, text+"\n").Get("a").Given(); got != want {
			t.Errorf("%s is given: %t, want %t", text, got, want)
		}
	}
}

// Errors say where they are, and big inputs are refused before they take memory.
func TestErrors(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	for _, tt := range []struct{ name, text, want string }{
		{"comma", "{\n  \"a\": 1,\n}", "3:1: "},
		{"cut", "{\"a\": [\n", "2:1: the file ends too early"},
		{"cut string", "{\"a\": \"x", "1:9: the file ends too early"},
		{"tail", "{}\n }", "2:2: unexpected data after the document"},
		{"word", "[1, nul]", "1:8: "},
		{"YAML", "a: b\n  c: d\n", "2:1: "},
		{"unknown anchor", "a: *b\n", "1:1: "},
		{"bomb", bomb, "more than 250,000, the limit for values"},
		{"text", "a: &a " + strings.Repeat("x", 100_000) + "\nb: [" + strings.Repeat("*a,", 200_000) + "]\n", "more than 8 MiB, the limit for the text"},
		{"many", "[" + strings.Repeat("1,", 1<<19) + "1]", "more than 250,000, the limit for values"},
		{"loop", "a: &a [*a]\n", "more than 200, the limit for lists and maps in each other"},
		{"deep JSON", strings.Repeat("[", 100_000), "1:202: "},
		{"deep map", strings.Repeat(`{"a":`, 100_000), "more than 200, the limit for lists and maps in each other"},
		{"deep YAML", "a: " + strings.Repeat("[", 100_000), ""},
		{"deep block", strings.Repeat("- ", 5_000) + "x", "more than 200, the limit for lists and maps in each other"},
		{"large", strings.Repeat(" ", int(limits.Document.Max())+1), "more than 2 MiB, the limit for a JSON or YAML document"},
		{"NUL", "a: \x00", ""},
	} {
		n, err := doctree.Parse([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, error %v, want one with %q", tt.name, n, err, tt.want)
		}
		var at *doctree.Error
		if tt.name != "large" && (!errors.As(err, &at) || at.Line < 1 || at.Column < 1) {
			t.Errorf("%s: no place in %v", tt.name, err)
		}
	}
}

// TestLimits checks documents at every limit, and one past it.
func TestLimits(t *testing.T) {
	for _, of := range []struct {
		limit limits.Limit
		text  func(n int) string
	}{
		{limits.Document, func(n int) string { return "[]" + strings.Repeat(" ", n-2) }},
		{limits.Document, func(n int) string { return "a: b" + strings.Repeat("\n", n-4) }},
		{limits.DocumentDepth, func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }},
		{limits.DocumentDepth, func(n int) string { return strings.Repeat("- ", n) + "1" }},
		{limits.DocumentValues, func(n int) string { return "[" + strings.Repeat("1,", n-2) + "1]" }},
		{limits.DocumentValues, func(n int) string { return "# YAML\n[" + strings.Repeat("1,", n-3) + "1]" }}, // and the document
		{limits.DocumentText, func(n int) string {
			const size = 1 << 16
			return "- &a " + strings.Repeat("x", size) + strings.Repeat("\n- *a", n/size-2) + "\n- " + strings.Repeat("y", n-(n/size-1)*size-(n/size-2)) + "\n"
		}},
	} {
		max := int(of.limit.Max())
		if _, err := doctree.Parse([]byte(of.text(max))); err != nil {
			t.Errorf("at the limit for %s: %v", of.limit.What(), err)
		}
		_, err := doctree.Parse([]byte(of.text(max + 1)))
		var e *limits.Error
		if !errors.As(err, &e) || e.Limit != of.limit {
			t.Errorf("past the limit for %s: %v", of.limit.What(), err)
		}
	}
}

// TestDocumentsLimits checks files of many documents, each within its own limits.
func TestDocumentsLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine parses all text that there may be, which the race detector has nothing to see in: make test does it")
	}
	const part = 1 << 20
	text := "---\n- &a " + strings.Repeat("x", part) + strings.Repeat("\n- *a", 6) + "\n"
	for _, of := range []struct {
		limit    limits.Limit
		document string
		holds    int // of what is counted
	}{
		{limits.Documents, "--- # " + strings.Repeat("x", part-7) + "\n", part},
		{limits.DocumentsValues, "---\n- &a [" + strings.Repeat("1,", 999) + "]" + strings.Repeat("\n- *a", 198) + "\n", 2 + 1000 + 198*1001}, // an alias is a value, too
		{limits.DocumentsText, text, 7 * part},
	} {
		most := int(of.limit.Max()) / of.holds
		if _, err := doctree.ParseAll([]byte(strings.Repeat(of.document, most))); err != nil {
			t.Errorf("at the limit for %s: %v", of.limit.What(), err)
		}
		_, err := doctree.ParseAll([]byte(strings.Repeat(of.document, most+1)))
		var e *limits.Error
		if !errors.As(err, &e) || e.Limit != of.limit {
			t.Errorf("past the limit for %s: %v", of.limit.What(), err)
		}
	}
}

// A line of a document's text is no separator, wherever the document is cut.
func TestDocumentsAreMeasuredOneByOne(t *testing.T) {
	const half = 3 << 19
	docs, err := doctree.ParseAll([]byte("a: |\n  ---\n" + strings.Repeat("  x\n", half/4) + "--- # next\nb: " + strings.Repeat("y", half) + "\n---\nc: 1\n"))
	if err != nil || len(docs) != 3 || docs[2].Get("c").At().Line != half/4+6 {
		t.Errorf("%d documents, error %v", len(docs), err)
	}
}

func TestNilNode(t *testing.T) {
	var n *doctree.Node
	_, isStr := n.Str()
	_, isInt := n.Int()
	if n.Given() || n.Get("x") != nil || isStr || isInt || n.IsTrue() || n.List() != nil || n.Map() != nil || n.At() != (doctree.Pos{}) {
		t.Error("something is there")
	}
	for _, empty := range []string{"", "# nothing\n", "null"} {
		if n := parse(t, empty); n.Given() {
			t.Errorf("%q is %+v", empty, n)
		}
	}
}

// FuzzParse checks that no input makes the parser panic, and that every value has a
// place.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a": [1, {"b": null}], "é": "\ud83d\ude00"}`, "a: &x [1, *x]\n<<: {b: !Ref c}\n", "? [a]\n: |\n  x\n", "{a: b}", "\uFEFF[", "- - - {<<: [{x: 1}]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := doctree.Parse(data)
		if err != nil {
			return
		}
		checkPlaces(t, n, n.Given())
		checkSpans(t, n, doctree.Span{End: len(data)})
	})
}

// checkSpans checks that known spans lie in each other.
func checkSpans(t *testing.T, n *doctree.Node, outer doctree.Span) {
	if s := n.Span; s.Known() {
		if s.Start < outer.Start || s.Start > s.End || s.End > outer.End {
			t.Fatalf("%+v lies in %+v", n, outer)
		}
		outer = s
	}
	for _, part := range n.Parts() {
		checkSpans(t, part, outer)
	}
}

func checkPlaces(t *testing.T, n *doctree.Node, want bool) {
	if want && (n.Pos.Line < 1 || n.Pos.Column < 1) {
		t.Errorf("%+v has no place", n)
	}
	for _, item := range n.List() {
		checkPlaces(t, item, true)
	}
	for _, f := range n.Map() {
		checkPlaces(t, f.Key, true)
		checkPlaces(t, f.Value, true)
	}
}

// The line of an error is where the YAML is wrong, not where the map began that it is in.
func TestYAMLErrorLines(t *testing.T) {
	for text, want := range map[string]int{
		"a: b\n  c: d\n":           2,
		"a:\n  - b\n c: d\n":       3,
		"x:\n  y: 1\n\tz: 2\n":     3,
		"a: {b: c\nd: e\n":         2,
		"- a\nb: c\n":              2,
		"a:\n  b: c\n  - d\n":      3,
		"a: b\n%x\n":               2,
		"a: *b\n":                  1,
		"a: \"x\n\n":               3,
		"a: 1\n---\nb:\n c\n d: e": 5,
		"services:\n  app:\n    image: x\n   bad: y\n": 4,
	} {
		_, err := doctree.ParseAll([]byte(text))
		var at *doctree.Error
		if !errors.As(err, &at) || at.Line != want {
			t.Errorf("%q: %v, want line %d", text, err, want)
		}
	}
}

func TestParseAll(t *testing.T) {
	docs, err := doctree.ParseAll([]byte("a: 1\n---\n# nothing\n---\nb:\n  c: 2\n"))
	if err != nil || len(docs) != 3 || docs[1].Given() {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	if c := docs[2].Get("b").Get("c"); c.Text != "2" || c.Pos != (doctree.Pos{Line: 6, Column: 6}) || !c.Span.Known() {
		t.Errorf("%+v", c)
	}
}
