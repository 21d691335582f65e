package probeargs

import (
	"strings"
	"testing"
)

// FuzzStrings shows that the functions do what those of package strings do.
func FuzzStrings(f *testing.F) {
	for _, seed := range []struct{ s, sep string }{{"", ""}, {"a", ""}, {"", "a"}, {"a=b=c", "="}, {"aab", "ab"}, {"ab", "abc"}, {"é\xff", "\xff"}} {
		f.Add(seed.s, seed.sep, byte('='))
	}
	f.Fuzz(func(t *testing.T, s, sep string, c byte) {
		before, after, found := Cut(s, sep)
		wantBefore, wantAfter, wantFound := strings.Cut(s, sep)
		for name, same := range map[string]bool{
			"Index":         Index(s, sep) == strings.Index(s, sep),
			"IndexByte":     IndexByte(s, c) == strings.IndexByte(s, c),
			"LastIndexByte": LastIndexByte(s, c) == strings.LastIndexByte(s, c),
			"Contains":      Contains(s, sep) == strings.Contains(s, sep),
			"Cut":           before == wantBefore && after == wantAfter && found == wantFound,
			"HasPrefix":     HasPrefix(s, sep) == strings.HasPrefix(s, sep),
			"HasSuffix":     HasSuffix(s, sep) == strings.HasSuffix(s, sep),
			"TrimPrefix":    TrimPrefix(s, sep) == strings.TrimPrefix(s, sep),
			"TrimSuffix":    TrimSuffix(s, sep) == strings.TrimSuffix(s, sep),
		} {
			if !same {
				t.Errorf("%s differs: %q, %q, %q", name, s, sep, c)
			}
		}
	})
}
