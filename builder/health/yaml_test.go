package health_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
)

func readFile(t *testing.T, content string) (health.File, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), ".ko.yaml")
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return health.ReadFile(name)
}

func TestReadFile(t *testing.T) {
	f, err := readFile(t, `
defaultBaseImage: x
healthcheck: &top
  test: ["-status", 200, "http://:8080/"]
  retries: 5
  log: false
Builds:
- main: ./a
  id: ~
- id: b
  dir: sub
  healthcheck:
    <<: *top
    test: tcp://:1
    packages: [curl]
- id: c
  healthcheck: {disable: true}
`)
	if err != nil {
		t.Fatal(err)
	}
	top := set(t, "test", `["-status", "200", "http://:8080/"]`, "retries", "5", "log", "false")
	b := set(t, "test", "tcp://:1", "packages", "curl").Over(top)
	for _, tt := range []struct {
		id   health.BuildID
		want health.Settings
	}{
		{health.BuildID{}, top},
		{health.BuildID{ID: "#0", Dir: ".", Main: "./a"}, top},
		{health.BuildID{ID: "b", Dir: "sub", Main: "."}, b},
		{health.BuildID{ID: "b", Dir: "elsewhere", Main: "."}, top},
		{health.BuildID{ID: "c", Dir: ".", Main: "."}, set(t, "disable", "true").Over(top)},
	} {
		if diff := cmp.Diff(tt.want, f.For(tt.id)); diff != "" {
			t.Errorf("For(%+v) (-want +got):\n%s", tt.id, diff)
		}
	}
}

// TestTypos checks which keys at the top of a file were meant to be ko's, which does not
// mind their case.
func TestTypos(t *testing.T) {
	f, err := readFile(t, `
defaultbaseimage: a
DEFAULTENV: []
default_base_image: a
defaultBaseImgae: a
build: []
baseImageOverride: {}
ecr: {}
verification: {}
x-health: {}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []health.Typo{
		{Line: 4, Key: "default_base_image", Known: "defaultBaseImage"},
		{Line: 5, Key: "defaultBaseImgae", Known: "defaultBaseImage"},
		{Line: 6, Key: "build", Known: "builds"},
		{Line: 7, Key: "baseImageOverride", Known: "baseImageOverrides"},
	}
	if diff := cmp.Diff(want, f.Typos()); diff != "" {
		t.Errorf("typos (-want +got):\n%s", diff)
	}
}

func TestReadFileErrors(t *testing.T) {
	for content, want := range map[string]string{
		"healthcheck:\n  tst: x":                        `.ko.yaml:2: unknown key "tst" in healthcheck`,
		"a: b\nhealthchek:\n  test: x":                  `.ko.yaml:2: unknown key "healthchek"`,
		"health:\n  test: x":                            `.ko.yaml:1: unknown key "health"`,
		"helth:\n  test: x":                             `.ko.yaml:1: unknown key "helth"`,
		"builds:\n- healthCheckz: {}":                   `.ko.yaml:2: unknown key "healthCheckz"`,
		"healthcheck:\n  log: 1":                        ".ko.yaml:2: parsing log \"1\": want true or false",
		"builds:\n- health_check: {}":                   `.ko.yaml:2: unknown key "health_check"`,
		"healthcheck: on":                               ".ko.yaml:1: parsing healthcheck: want keys and values",
		"healthcheck:\n  interval: 10":                  ".ko.yaml:2: parsing interval \"10\": a duration needs a unit",
		"healthcheck:\n  interval: {a: b}":              ".ko.yaml:2: parsing interval: want a value",
		"healthcheck:\n  interval:":                     ".ko.yaml:2: parsing interval: the value is missing",
		"healthcheck:\n  retries: many":                 ".ko.yaml:2: parsing retries",
		"healthcheck:\n  log: yes please":               ".ko.yaml:2: parsing log",
		"healthcheck:\n  test: 5":                       ".ko.yaml:2: parsing test \"5\": want a string",
		"healthcheck:\n  test:\n  - CMD\n  - [x]":       ".ko.yaml:4: parsing test: want a list of strings",
		"healthcheck:\n  packages: curl":                ".ko.yaml:2: parsing packages \"curl\": want a list",
		"builds:\n- id: a\n  healthcheck:\n    tool: x": ".ko.yaml:4: parsing tool \"x\"",
		"\n\nhealthcheck:\n  test: [":                   "parsing ",
		"a: &a {<<: *a}":                                "parsing ",
	} {
		_, err := readFile(t, content)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", content, err, want)
		}
	}
	if _, err := readFile(t, "a: [\n"); err == nil || strings.Count(err.Error(), "yaml: ") != 1 {
		t.Errorf("the error of YAML is not there once: %v", err)
	}
	if _, err := health.ReadFile("/nowhere/.ko.yaml"); err == nil {
		t.Error("a missing file is read")
	}
	for _, empty := range []string{"", "# nothing\n", "[]", "x"} {
		if f, err := readFile(t, empty); err != nil || f.For(health.BuildID{}).Test != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

// FuzzReadFile checks that no file makes the reader panic or run for ever, and that
// errors name the file.
func FuzzReadFile(f *testing.F) {
	f.Add([]byte("healthcheck:\n  test: http://:80/\nbuilds:\n- {id: x, healthcheck: {retries: 3}}"))
	f.Add([]byte("a: &a [*a]\nhealthcheck: *a"))
	f.Add([]byte("healthcheck: {<<: [{test: x}, {test: y}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "ko.yaml")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := health.ReadFile(name); err != nil && !strings.Contains(err.Error(), "ko.yaml") {
			t.Errorf("error %q does not name the file", err)
		}
	})
}
