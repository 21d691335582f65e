package shellwords

import (
	"slices"
	"strings"
	"testing"

	shell "mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

func TestSplit(t *testing.T) {
	for s, want := range map[string][]string{
		"a\\\nb":           {"ab"},
		"\\\\\\\n0":        {`\0`},
		`"$x" '$(y)' \z`:   {"$x", "$(y)", "z"},
		`--label="a b" ''`: {"--label=a b", ""},
	} {
		if got, err := Split(s); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v; want %q", s, got, err, want)
		}
	}
}

// FuzzSplit holds Split against a shell's parser, where the shell would expand
// nothing.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "a b", " a\tb\n", `'a b' "c d"`, `a\ b`, "a\\\nb", `"\$\"\\\x"`, `''`, `a'b'"c"`, `'`, `\`, `--label='$(x)'`, "a\x00b", "\\\n", "'a\nb'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Split(s)
		want, ok := shellWords(s)
		if !ok {
			return
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v; a shell says %q", s, got, err, want)
		}
	})
}

// shellWords returns the words of s if a shell takes them as they are.
func shellWords(s string) (words []string, ok bool) {
	for _, r := range s { // all that means more outside of single quotes, and what parsers differ in
		if r < ' ' && r != '\n' && r != '\t' || r > '~' {
			return nil, false
		}
	}
	// At the end a backslash is an error of ours; before a line break and after another
	// backslash the parser reads it wrong.
	if strings.HasSuffix(s, `\`) || strings.Contains(s, "\\\\\\\n") {
		return nil, false
	}
	if strings.ContainsAny(s, "$`*?[]{}~!#&;|<>()=+@") {
		return nil, false
	}
	for w, err := range syntax.NewParser().WordsSeq(strings.NewReader(s)) {
		if err != nil {
			return nil, false
		}
		fields, err := shell.Fields(&shell.Config{}, w)
		if err != nil {
			return nil, false
		}
		words = append(words, fields...)
	}
	return words, true
}
