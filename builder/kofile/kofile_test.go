package kofile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/kofile"
)

func parse(t testing.TB, s string) health.Test {
	t.Helper()
	test, err := health.ParseTest(s)
	if err != nil {
		t.Fatal(err)
	}
	return test
}

// + begins the lines that are new, ~ those that are gone.
func TestSet(t *testing.T) {
	const target = "http://:${PORT:-8080}/healthz"
	top := kofile.Place{Entry: kofile.Top}
	for _, tt := range []struct {
		name  string
		place kofile.Place
		test  string
		want  string
	}{
		{"no file", top, target, "+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"comments only", top, target, "# nothing yet\n+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"at the end", top, target, "# ours\ndefaultBaseImage: x # y\n\nbuilds: # z\n- id: a\n# end\n+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"behind a literal", top, target, "x: |\n  a\n\n+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"one document", top, target, "---\nx: y\n+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"a list", top, `["-path", "/healthz", "auto"]`, "+healthcheck:\n+  test: [\"-path\",\"/healthz\",\"auto\"]\n"},
		{"mark", top, target, "\uFEFFx: y\n+healthcheck:\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"CR LF", top, target, "x: y\r\n+healthcheck:\r\n+  test: http://:${PORT:-8080}/healthz\r\n"},
		{"beside interval", top, target, "healthcheck:\n    # slow\n+    test: http://:${PORT:-8080}/healthz\n    interval: 30s\nx: y\n"},
		{"in place", top, target, "Healthcheck:\n~  test: tcp://:9 # why\n+  test: http://:${PORT:-8080}/healthz # why\n  interval: 30s\n"},
		{"list in place", top, target, "healthcheck:\n~  test: [CMD, /ko-app/x]\n+  test: http://:${PORT:-8080}/healthz\n  interval: 30s\n"},
		{"in an entry", kofile.Place{Entry: 1}, target, "builds:\n  - id: a\n    main: ./cmd/a\n  - main: ./cmd/b # the second\n+    healthcheck:\n+      test: http://:${PORT:-8080}/healthz\n    ldflags:\n    - -s\n"},
		{"a number for a key", top, target, "1: x\nhealthcheck:\n~  test: auto\n+  test: http://:${PORT:-8080}/healthz\n"},
		{"entry at the end", kofile.Place{Entry: 0}, target, "builds:\n- id: a\n+  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n"},
		{"entry with a check", kofile.Place{Entry: 0}, target, "builds:\n- id: a\n  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n    retries: 5\n"},
		{"new entry", kofile.Place{ID: "b", Main: "./cmd/b"}, target, "builds:\n  - id: a\n    env:\n    - X=1\n+  - id: b\n+    main: ./cmd/b\n+    healthcheck:\n+      test: http://:${PORT:-8080}/healthz\n\n# more\nx: y\n"},
		{"first entry", kofile.Place{ID: "b", Main: "./cmd/b"}, target, "x: y\n+builds:\n+- id: b\n+  main: ./cmd/b\n+  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n"},
		{"a module's entry", kofile.Place{ID: "b", Dir: "./b", Main: "./cmd/b"}, target, "x: y\n+builds:\n+- id: b\n+  dir: ./b\n+  main: ./cmd/b\n+  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n"},
		{"a module that is one package", kofile.Place{ID: "b", Dir: "./b"}, target, "+builds:\n+- id: b\n+  dir: ./b\n+  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n"},
		{"odd name", kofile.Place{ID: "yes", Main: "./cmd/a b"}, target, "+builds:\n+- id: \"yes\"\n+  main: \"./cmd/a b\"\n+  healthcheck:\n+    test: http://:${PORT:-8080}/healthz\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, want := split(tt.want)
			got, err := kofile.Set([]byte(before), tt.place, parse(t, tt.test))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}

// split returns the file before and after the change that marked lines tell of.
func split(marked string) (before, after string) {
	mark := ""
	if text, ok := strings.CutPrefix(marked, "\uFEFF"); ok {
		mark, marked = "\uFEFF", text
	}
	for line := range strings.Lines(marked) {
		switch line[0] {
		case '+':
			after += line[1:]
		case '~':
			before += line[1:]
		default:
			before += line
			after += line
		}
	}
	return mark + before, mark + after
}

// TestSetWithoutLastLineBreak adds to files whose last line has no line break.
func TestSetWithoutLastLineBreak(t *testing.T) {
	for _, tt := range []struct {
		before string
		place  kofile.Place
		want   string
	}{
		{"x: y", kofile.Place{Entry: kofile.Top}, "x: y\nhealthcheck:\n  test: tcp://:8080\n"},
		{"builds:\n- id: a", kofile.Place{Entry: 0}, "builds:\n- id: a\n  healthcheck:\n    test: tcp://:8080"},
		{"builds:\n- id: a", kofile.Place{ID: "b", Main: "./b:"}, "builds:\n- id: a\n- id: b\n  main: \"./b:\"\n  healthcheck:\n    test: tcp://:8080\n"},
	} {
		got, err := kofile.Set([]byte(tt.before), tt.place, parse(t, "tcp://:8080"))
		if diff := cmp.Diff(tt.want, string(got)); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", tt.before, err, diff)
		}
	}
}

func TestSetInBraces(t *testing.T) {
	for before, want := range map[string]string{
		`{}`:                               `{"healthcheck": {"test": "tcp://:8080"}}`,
		`{"defaultBaseImage": "x"}`:        `{"healthcheck": {"test": "tcp://:8080"}, "defaultBaseImage": "x"}`,
		`{"healthcheck": {"retries": 4}}`:  `{"healthcheck": {"test": "tcp://:8080", "retries": 4}}`,
		`healthcheck: {test: auto} # x`:    `healthcheck: {test: "tcp://:8080"} # x`,
		`{"healthcheck":{"test":"auto"}}`:  `{"healthcheck":{"test":"tcp://:8080"}}`,
		"healthcheck: {\n  retries: 4,\n}": "healthcheck: {\"test\": \"tcp://:8080\", \n  retries: 4,\n}",
	} {
		got, err := kofile.Set([]byte(before), kofile.Place{Entry: kofile.Top}, parse(t, "tcp://:8080"))
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", before, err, diff)
		}
	}
}

// What cannot be changed without changing more is refused, with what to do instead.
func TestRefused(t *testing.T) {
	for before, place := range map[string]kofile.Place{
		"healthcheck:\n  test: >-\n    curl x\n": {Entry: kofile.Top},
		"healthcheck:\n":                         {Entry: kofile.Top},
		"x: y\n---\nz: y\n":                      {Entry: kofile.Top},
		"- a\n":                                  {Entry: kofile.Top},
		"builds: []\n":                           {ID: "a", Main: "./a"},
		"builds: [{id: x}]\n":                    {ID: "a", Main: "./a"},
		"builds:\n- ldflags: [-s]\n":             {Entry: 0},
		"builds:\n- main: .\n  0: x\n":           {Entry: 0},
		"healthcheck: {}\nHealthcheck: {}\n":     {Entry: kofile.Top},
		"builds: [{main: .}]\nBuilds: []\n":      {Entry: 0},
	} {
		got, err := kofile.Set([]byte(before), place, parse(t, "auto"))
		if err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %v, and it became %q", before, err, got)
		}
	}
	var at *doctree.Error
	if _, err := kofile.Set([]byte("a: [\n"), kofile.Place{Entry: kofile.Top}, parse(t, "auto")); !errors.As(err, &at) {
		t.Errorf("no place in %v", err)
	}
}

// Entries are those that ko finds.
func TestEntry(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"cmd/a", "cmd/b", "other/cmd/a"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cmd/b/main.go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := health.ParseFile(".ko.yaml", []byte("builds:\n- main: ./cmd/a\n- main: cmd/b/main.go\n- {dir: other, main: cmd/a}\n- main: ./cmd/a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for sub, want := range map[string]int{"cmd/a": 3, "cmd/b": 1, "other/cmd/a": 2, "cmd": kofile.Top} {
		if got := kofile.Entry(file, dir, filepath.Join(dir, sub)); got != want {
			t.Errorf("%s is entry %d, want %d", sub, got, want)
		}
	}
}

// FuzzSet checks that a file that was changed has the check, and that the same change
// made again is none.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"", "x: y", "healthcheck:\n  interval: 1s\n", "builds:\n- id: a\n  main: .\n", "{\"builds\": [{\"id\": \"a\"}]}", "# c\nhealthcheck: {test: auto} # d\n", "builds:\n  - id: a\n    env: [X]\n  # c\ny: |\n  z\n"} {
		for entry := range 3 {
			f.Add([]byte(seed), entry-1)
		}
	}
	test := parse(f, "http://:${PORT:-8080}/healthz")
	f.Fuzz(func(t *testing.T, data []byte, entry int) {
		place := kofile.Place{Entry: max(entry, kofile.Top)}
		if entry > 9 {
			place = kofile.Place{ID: "new", Main: "./cmd/new"}
		}
		out, err := kofile.Set(data, place, test)
		if err != nil {
			return
		}
		file, err := health.ParseFile("", out)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		id := health.BuildID{}
		if builds := file.Builds(); place.ID != "" {
			id, place = builds[len(builds)-1], kofile.Place{Entry: len(builds) - 1}
		} else if place.Entry != kofile.Top {
			id = builds[place.Entry]
		}
		if said := file.For(id); said.Test == nil || said.Test.String() != test.String() && place.Entry == kofile.Top {
			t.Fatalf("%q became %q, which has %v", data, out, said.Test)
		}
		again, err := kofile.Set(out, place, test)
		if err == nil && string(again) != string(out) {
			t.Errorf("%q became %q and then %q", data, out, again)
		}
	})
}
