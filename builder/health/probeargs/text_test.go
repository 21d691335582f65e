package probeargs

import (
	encoding "encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]Duration{
		"2s": 2 * Second, "1m30s": 90 * Second, "1.5h": 5400 * Second, ".5s": 500 * Millisecond, "1.s": Second,
		"0s": 0, "3us": 3000, "3µs": 3000, "3μs": 3000, "1ns": 1, "2.7s": 2700 * Millisecond, "0.0000000019s": 1,
		"8784h": 8784 * 3600 * Second,
	} {
		if got, ok := parseDuration(in); !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "1", "s", ".s", "1x", "1s2", "-1s", "+1s", "1 s", "8785h", "8784h1ns", "99999999999999999999s", "1e3s"} {
		if got, ok := parseDuration(in); ok {
			t.Errorf("%q: %v, want an error", in, got)
		}
	}
}

// FuzzDuration shows that durations mean what they mean in Go, and that every form
// in which Go or this package prints one can be read.
func FuzzDuration(f *testing.F) {
	for _, d := range []int64{1, 999, 1e6 - 1, 2.7e9, 90e9, 3600e9, int64(maxDuration)} {
		f.Add(time.Duration(d).String(), d)
	}
	f.Fuzz(func(t *testing.T, s string, n int64) {
		if got, ok := parseDuration(s); ok {
			want, err := time.ParseDuration(s)
			// Go rounds fractions of nanoseconds of each part in its own way.
			if tolerance := time.Duration(len(s)); err != nil || (time.Duration(got)-want).Abs() > tolerance {
				t.Errorf("%q is %v, in Go %v, %v", s, got, want, err)
			}
		}
		if n < 0 || n > int64(maxDuration) {
			return
		}
		d := Duration(n)
		for _, s := range []string{time.Duration(n).String(), formatDuration(d)} {
			if got, ok := parseDuration(s); !ok || got != d {
				t.Errorf("%q is %v, %v, want %v", s, got, ok, d)
			}
		}
	})
}

func TestBase64(t *testing.T) {
	for _, s := range []string{"", "a", "ab", "abc", "user:pass word", "\xff\xfe\xfd\xfc\x00", "é:\n"} {
		if got, want := base64(s), encoding.StdEncoding.EncodeToString([]byte(s)); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                       `""`,
		strings.Repeat("x", 500): `"` + strings.Repeat("x", 500) + `"`,
		strings.Repeat("é", 251): `"` + strings.Repeat("é", 250) + `"...`,
		`a "b" \`:                `"a \"b\" \\"`,
		"\n\r\t\x00\x1b\x7f":     `"\n\r\t\x00\x1b\x7f"`,
		"é世🙂":                    `"é世🙂"`,
		"\xff\xc3\u0085":         `"\xff\xc3\xc2\x85"`,
		"a\u202eb\u200bc\ufffd":  `"a\xe2\x80\xaeb\xe2\x80\x8bc` + "\ufffd" + `"`,
		"\u061c\u180e":           `"\xd8\x9c\xe1\xa0\x8e"`,
		"\U000e0041":             `"\xf3\xa0\x81\x81"`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// FuzzQuote shows that a quoted text is a line that holds the whole text.
func FuzzQuote(f *testing.F) {
	f.Add("a \"b\" \\ \n\x00\xffé\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		q := strings.TrimSuffix(Quote(s), "...")
		if got, err := strconv.Unquote(q); err != nil || got != s[:min(len(s), maxQuoted)] {
			t.Errorf("%q is quoted %s, which is %q, %v", s, q, got, err)
		}
		if strings.ContainsFunc(q, unicode.IsControl) {
			t.Errorf("%q holds a control character", q)
		}
	})
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{"": "", " \r\n\t": "", " a b\n": "a b", "a": "a"} {
		if got := Trim(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"Host", "hOST", true}, {"AZ", "az", true}, {"Host", "Hos", false}, {"a", "b", false}, {"[", "{", false}, {"@", "`", false}} {
		if got := EqualFold(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
	}
}
