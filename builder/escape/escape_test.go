package escape_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/escape"
)

func TestLine(t *testing.T) {
	for s, want := range map[string]string{
		"":                          "",
		"naïve – 日本語 🙂":             "naïve – 日本語 🙂",
		`C:\new "x"`:                `C:\new "x"`,
		"a\nHint: b":                `a\nHint: b`,
		"\x1b[2Jgone\x07":           `\x1b[2Jgone\a`,
		"\u009b2J\x7f":              `\u009b2J\x7f`,
		"\u202egpj.exe\u2066\ufeff": `\u202egpj.exe\u2066\ufeff`,
		"\u061c\u200e\u200f":        `\u061c\u200e\u200f`,
		"\u2028x\u2029\u0085":       `\u2028x\u2029\u0085`,
		"\U000e0041":                `\U000e0041`,
		"\xff\xc3":                  `\xff\xc3`,
		"###[error]x":               `#\x23#[error]x`,
		"::1":                       "::1",
	} {
		if got := escape.Line(s); got != want {
			t.Errorf("Line(%q) = %s, want %s", s, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	got := escape.Lines("# app\n\t::error::x\n ::1\nmain.go:3: a::b \x1b[31m\r\n::stop-commands::x\n")
	want := "# app\n\t\\x3a:error::x\n \\x3a:1\nmain.go:3: a::b \\x1b[31m\\r\n\\x3a:stop-commands::x\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzEscape checks what callers rely on, for any words.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a\n::error::b", "\x1b]0;t\a", "\u202e\xff\U0001f600", "####[x", " ::\n::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, lines := escape.Line(s), escape.Lines(s)
		if escape.Line(line) != line || escape.Lines(lines) != lines {
			t.Errorf("%q escaped twice is not the same", s)
		}
		for _, text := range append(strings.Split(lines, "\n"), line) {
			for _, r := range strings.ReplaceAll(text, "\t", "") {
				if !strconv.IsPrint(r) {
					t.Errorf("%q: %U is left in %q", s, r, text)
				}
			}
			if strings.Contains(text, "##[") || text != line && strings.HasPrefix(strings.TrimLeft(text, " \t"), "::") {
				t.Errorf("%q: a command is left in %q", s, text)
			}
		}
		if strings.Contains(line, "\t") {
			t.Errorf("%q: a tab is left", s)
		}
		checkJSON(t, s)
	})
}

func checkJSON(t *testing.T, s string) {
	t.Helper()
	data, err := json.MarshalIndent(map[string]string{"a": s}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]string
	escaped := escape.JSON(data)
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(escaped, &got); err != nil {
		t.Fatalf("%s: %v", escaped, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("escaped JSON means something else (-want +got):\n%s", diff)
	}
	for _, r := range string(escaped) {
		if r != '\n' && !strconv.IsPrint(r) || strings.Contains(string(escaped), "##[") || !utf8.Valid(escaped) {
			t.Errorf("%U, or a command, is left in %q", r, escaped)
		}
	}
}
