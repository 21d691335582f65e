package taskdef

import (
	"testing"

	"github.com/ko-health/kohealth/builder/doctree"
)

// TestSame checks which files mean the same, whatever they look like.
func TestSame(t *testing.T) {
	const file = `{"a": 1, "b": ["x", {"c": null}]}`
	for other, want := range map[string]bool{
		"a: 1\nb:\n- x\n- c:\n":                      true,
		`{"a": 2, "b": ["x", {"c": null}]}`:          false,
		`{"A": 1, "b": ["x", {"c": null}]}`:          false,
		`{"a": 1, "b": ["x", {"c": ""}]}`:            false,
		`{"a": 1, "b": ["x", {"c": null}], "d": 1}`:  false,
		`{"a": 1, "b": ["x"]}`:                       false,
		`{"a": 1, "b": [{"c": null}, "x"]}`:          false,
		`{"a": 1, "b": ["x", {"c": null, "d": ""}]}`: false,
		`{"b": ["x", {"c": null}], "a": 1}`:          false,
		`["1", ["x", {"c": null}]]`:                  false,
	} {
		a, err := doctree.Parse([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		b, err := doctree.Parse([]byte(other))
		if err != nil {
			t.Fatal(err)
		}
		if got := same(a, b, nil); got != want {
			t.Errorf("%s means the same as %s: %v, want %v", other, file, got, want)
		}
		if got := same(b, a, nil); got != want {
			t.Errorf("%s means the same as %s: %v, want %v", file, other, got, want)
		}
	}
}
