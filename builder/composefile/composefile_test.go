package composefile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
)

// load loads compose.yaml of an archive whose files lie in a directory.
func load(t *testing.T, files string, environment map[string]string) *composefile.Project {
	t.Helper()
	dir := t.TempDir()
	var data []byte
	for _, f := range txtar.Parse([]byte(files)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if f.Name == "compose.yaml" {
			data = f.Data
		}
	}
	return parse(t, data, composefile.Options{Dir: dir, Name: "compose.yaml", Environment: environment})
}

func parse(t *testing.T, data []byte, o composefile.Options) *composefile.Project {
	t.Helper()
	docs, err := doctree.ParseAll(data)
	if err != nil {
		t.Fatal(err)
	}
	return composefile.Load(t.Context(), data, docs, o)
}

// tests returns the tests of all services with the places of their parts.
func tests(p *composefile.Project) string {
	var b strings.Builder
	for _, f := range p.Root.Get("services").Map() {
		check := f.Value.Get("healthcheck")
		if !check.Given() {
			continue
		}
		fmt.Fprintf(&b, "%s %d:%d:", f.Key.Text, f.Key.Pos.Line, f.Key.Pos.Column)
		test := check.Get("test")
		for _, n := range append([]*doctree.Node{test}, test.List()...) {
			if text, ok := n.Str(); ok {
				fmt.Fprintf(&b, " %q@%d:%d", text, n.Pos.Line, n.Pos.Column)
			}
		}
		if interval, ok := check.Get("interval").Str(); ok {
			fmt.Fprintf(&b, " every %s@%d:%d", interval, check.Get("interval").Pos.Line, check.Get("interval").Pos.Column)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct{ name, files, want string }{
		{"variables", `-- .env --
PORT=9090
-- compose.yaml --
services:
  app:
    image: app
    healthcheck:
      test: [CMD, wget, "http://x:${PORT}/$$A/${A:-b:c}", "${SHELL}"]
      interval: ${EVERY:-5s}
`, "app 2:3: \"CMD\"@5:14 \"wget\"@5:19 \"http://x:9090/$A/b:c\"@5:25 \"/bin/x\"@5:59 every 5s@6:17\n"},
		{"extends in the file", `-- compose.yaml --
x-check: &check
  interval: 7s
services:
  base:
    image: app
    healthcheck:
      <<: *check
      test: a
  app:
    extends: base
    healthcheck: {interval: 8s}
`, "base 4:3: \"a\"@8:13 every 7s@2:13\napp 9:3: \"a\"@8:13 every 8s@11:29\n"},
		{"extends another file", `-- lib/base.yml --
services:
  base:
    image: app
    healthcheck: {test: "a $B"}
-- .env --
B=c
-- compose.yaml --
services:
  app:
    extends:
      file: lib/base.yml
      service: base
`, "app 2:3: \"a c\"@4:7\n"},
		{"include", `-- lib/one.yml --
include: [deeper/two.yml]
services:
  one: {image: app, healthcheck: {test: one}}
-- lib/deeper/two.yml --
services:
  two: {image: app, healthcheck: {test: "two $C"}}
-- lib/.env --
C=three
-- compose.yaml --
include:
  - lib/one.yml
`, "one 2:5: \"one\"@2:5\ntwo 2:5: \"two three\"@2:5\n"},
		{"documents", `-- compose.yaml --
services:
  app: {image: app, healthcheck: {test: [CMD, a], interval: 5s}}
---
services:
  app:
    healthcheck:
      test: !override [CMD, b]
`, "app 5:3: \"CMD\"@7:24 \"b\"@7:29 every 5s@2:61\n"},
		{"reset", `-- compose.yaml --
services:
  app: {image: app, healthcheck: {test: [CMD, a], interval: 5s}}
---
services:
  app:
    healthcheck: !reset null
`, ""},
		{"profiles", `-- compose.yaml --
services:
  app: {image: app, profiles: [debug], healthcheck: {test: a}}
`, "app 2:3: \"a\"@2:60\n"},
		{"unset", `-- compose.yaml --
services:
  app:
    image: app
    ports: ["${PORT}:80"]
    deploy: {replicas: "${N}"}
    healthcheck:
      test: curl ${HOST?}:$PORT/${PATH_:-}
      interval: ${EVERY}
`, "app 2:3: \"curl \uFFFC:\uFFFC/\"@7:13 every \uFFFC@8:17\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := load(t, tt.files, map[string]string{"SHELL": "/bin/x"})
			if p.Refused != nil || len(p.Notes) > 0 {
				t.Errorf("refused: %v; notes %q", p.Refused, p.Notes)
			}
			if diff := cmp.Diff(tt.want, tests(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnset(t *testing.T) {
	p := load(t, "-- compose.yaml --\nservices:\n  app:\n    image: app:$TAG\n    command: ${TAG:-x} ${B:+y}\n    healthcheck: {test: \"curl $$A:${PORT:?}/x\"}\n", nil)
	if diff := cmp.Diff([]string{"PORT", "TAG"}, p.Unset); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	test, _ := p.Root.Get("services").Get("app").Get("healthcheck").Get("test").Str()
	var written string
	for _, part := range p.Parts(test) {
		written += part.Written
	}
	if test != "curl $A:\uFFFC/x" || written != "curl $$A:${PORT:?}/x" || p.Uses("TAG") != 2 {
		t.Errorf("%q of %q; TAG in %d texts", test, written, p.Uses("TAG"))
	}
}

// What Compose refuses is said in its words, at the place that they name.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"services:\n  app:\n    image: app\n    healthcheck:\n      interval: 10\n":   "5:17: services.app.healthcheck.interval must be a string",
		"services:\n  app:\n    image: app\n    healthcheck:\n      interval: '10'\n": `5:17: 'services.app.healthcheck.interval' time: missing unit in duration "10"`,
		"services:\n  app:\n    image: app\n    healthcheck: {retries: -3}\n":         "4:28: 'services.app.healthcheck.retries' cannot parse value as 'uint64': -3 overflows uint",
		"services:\n  app:\n    image: app\n    healthcheck: {retries: many}\n":       "4:28: error while interpolating services.app.healthcheck.retries",
		"services:\n  app:\n    image: app\n    image: other\n":                       `4:1: mapping key "image" already defined at line 3`,
		"services:\n  app:\n    image: app\n    healtcheck: {}\n":                     `4:17: services.app.healtcheck is not allowed`,
		"services:\n  app:\n    image: app\n    depends_on: [db]\n":                   `3:5: service "app" depends on undefined service "db"`,
		"services:\n  app:\n    image: app\n    healthcheck:\n      test: ${A:b}\n":   "5:13: ",
		"services:\n  app:\n    extends: {file: 5, service: a}\n":                     "",
		"include: [missing.yaml]\nservices: {app: {image: app}}\n":                    `1:11: reading "missing.yaml": no such file or directory`,
		"include: [/dev/zero]\nservices: {app: {image: app}}\n":                       `1:11: reading "/dev/zero": it is not a regular file`,
		"services:\n  app:\n    extends: {file: /proc/self/environ, service: a}\n":    `3:21: reading "/proc/self/environ": it is not a regular file`,
		"services:\n  app:\n    extends: {file: /etc/hostname, service: a}\n":         `3:21: reading "/etc/hostname": it is no Compose file by its name`,
		"services:\n  app: {image: app}\n  app: {image: other}\n":                     "",
	} {
		p := parse(t, []byte(text), composefile.Options{Dir: t.TempDir()})
		if p.Refused == nil || !strings.Contains(p.Refused.Error(), want) {
			t.Errorf("%s: %v, want %q", text, p.Refused, want)
		}
		if p.Root == nil {
			t.Errorf("%s: nothing is read", text)
		}
	}
}

// What is not on this machine, or has no directory to be in, is told and is no error.
func TestNotFollowed(t *testing.T) {
	for text, o := range map[string]composefile.Options{
		"include: ['https://example.com/x.git']\nservices: {app: {image: app}}\n":       {Dir: t.TempDir()},
		"include: [other.yaml]\nservices: {app: {image: app}}\n":                        {},
		"services: {app: {extends: {file: other.yaml, service: a}}, b: {image: app}}\n": {},
		"services: {app: {image: app, ports: ['${A}-${B}:x$C']}}\n":                     {Dir: t.TempDir()},
	} {
		p := parse(t, []byte(text), o)
		if p.Refused != nil || len(p.Notes) != 1 || len(p.Root.Get("services").Map()) == 0 {
			t.Errorf("%s: refused %v, notes %q, root %+v", text, p.Refused, p.Notes, p.Root)
		}
	}
}

// What Compose merges into a file is a part of it, and the file that it is merged into counts.
func TestMerged(t *testing.T) {
	const files = "-- compose.yaml --\nservices:\n  app:\n    image: app:$TAG\n    healthcheck: {test: one, interval: 5s}\n" +
		"-- compose.override.yaml --\nservices:\n  app:\n    healthcheck: {test: two}\n  db: {image: db, ports: ['1:1']}\n" +
		"-- prod/b.yaml --\nservices: {app: {healthcheck: !reset null}}\n" +
		"-- .env --\nTAG=1\n-- other.env --\nTAG=2\n"
	for _, tt := range []struct {
		name, without string
		environment   map[string]string
		want          string // image, test and interval; files of services
	}{
		{"override", "", nil, "app:1 two 5s map[app:compose.override.yaml db:compose.override.yaml]"},
		{"alone", "compose.override.yaml", nil, "app:1 one 5s map[]"},
		{"named", "", map[string]string{"COMPOSE_FILE": "compose.yaml|prod/b.yaml", "COMPOSE_PATH_SEPARATOR": "|"}, "app:1   map[app:prod/b.yaml]"},
		{"named alone", "", map[string]string{"COMPOSE_FILE": "compose.yaml"}, "app:1 one 5s map[]"},
		{"in another project", "", map[string]string{"COMPOSE_FILE": "a.yaml"}, "app:1 one 5s map[]"},
		{"variables", "compose.override.yaml", map[string]string{"COMPOSE_ENV_FILES": ".env,other.env"}, "app:2 one 5s map[]"},
		{"no variables", "compose.override.yaml", map[string]string{"COMPOSE_DISABLE_ENV_FILE": "1"}, "app:\uFFFC one 5s map[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := load(t, strings.ReplaceAll(files, "-- "+tt.without+" --", "-- not.yaml --"), tt.environment)
			app := p.Root.Get("services").Get("app")
			image, _ := app.Get("image").Str()
			test, _ := app.Get("healthcheck").Get("test").Str()
			if list := app.Get("healthcheck").Get("test").List(); len(list) == 2 {
				test = list[1].Text
			}
			interval, _ := app.Get("healthcheck").Get("interval").Str()
			if got := fmt.Sprint(image, " ", test, " ", interval, " ", p.Included); got != tt.want || p.Refused != nil {
				t.Errorf("%s, want %s; refused: %v", got, tt.want, p.Refused)
			}
		})
	}
}

// A file that is merged into another is read with that one; one that cannot be read is told.
func TestMergedInto(t *testing.T) {
	for environment, want := range map[string]string{
		"base.yaml|compose.yaml":    "base.yaml, <nil>",
		"compose.yaml|missing.yaml": `, 1:1: reading "missing.yaml": no such file or directory`,
		"compose.yaml|wrong.yaml":   `, 1:1: reading "wrong.yaml": 2:1: found unexpected end of stream`,
	} {
		p := load(t, "-- compose.yaml --\nservices: {app: {image: app}}\n-- base.yaml --\n-- wrong.yaml --\n'\n",
			map[string]string{"COMPOSE_FILE": environment, "COMPOSE_PATH_SEPARATOR": "|"})
		if got := fmt.Sprintf("%s, %v", filepath.Base("/"+p.Into), p.Refused); strings.TrimPrefix(got, "/") != want {
			t.Errorf("%s: %s, want %s", environment, got, want)
		}
	}
}

// FuzzLoad checks that no file makes it panic, and that everything stands in the file.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("services:\n  a: &a {image: x, extends: b, healthcheck: {test: !override ['CMD', '${A:-${B}}']}}\n  b: *a\n---\nservices: !reset null\n"))
	f.Add([]byte("include: [a]\nservices: {a: {ports: ['$A:$B', 5], environment: [A, B=c], env_file: x, depends_on: {b: {condition: service_healthy}}}}\n"))
	f.Add([]byte("services:\n  a: {image: x, ports: [80], volumes: ['b:/c', './b:/b'], networks: [n], depends_on: [a], healthcheck: {test: [CMD, /c], interval: 5s}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := doctree.ParseAll(data)
		if err != nil {
			return
		}
		p := composefile.Load(t.Context(), data, docs, composefile.Options{})
		checkPlaces(t, p.Root)
	})
}

func checkPlaces(t *testing.T, n *doctree.Node) {
	if n.Given() && (n.Pos.Line < 1 || n.Pos.Column < 1) {
		t.Fatalf("%+v has no place", n)
	}
	for _, part := range n.Parts() {
		checkPlaces(t, part)
	}
}

// A file that is read by itself because nothing is to be done means what the library
// makes of it.
func TestPlain(t *testing.T) {
	const file = `services:
  app:
    image: app
    ports: ["80:8080", 9090, "53:53/udp"]
    environment: {A: b, C: 1, D: true, E: , F: "${F:-$$x}"}
    volumes: ["data:/data", "./x:/x:ro", "/tmp:/tmp"]
    networks: [inner]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, "${TEST:-/c}"], interval: 5s, retries: 3}
  db:
    image: db
    healthcheck: {test: /c}
volumes: {data: {}}
networks: {inner: {}}
`
	short, long := parse(t, []byte(file), composefile.Options{}), parse(t, []byte("# !\n"+file), composefile.Options{})
	if short.Refused != nil || long.Refused != nil {
		t.Fatal(short.Refused, long.Refused)
	}
	if short.Root.Get("services").Get("app").Get("ports").List()[0].Kind != doctree.Scalar || long.Root.Get("services").Get("app").Get("ports").List()[0].Kind != doctree.Map {
		t.Error("both are read in one way")
	}
	if diff := cmp.Diff(strings.ReplaceAll(tests(short), ":", " "), strings.ReplaceAll(tests(long), ":", " ")); strings.Count(diff, "\n") > 20 {
		t.Error(diff)
	}
	for _, wrong := range []string{"db: {condition", "data: {}", "inner: {}", "image: db", "5s", "\"${TEST:-/c}\"]", "retries: 3", "80:8080", "volumes: {data: {}}\n", "networks: {inner: {}}\n"} {
		changed := strings.Replace(file, wrong, map[string]string{"db: {condition": "dc: {condition", "data: {}": "date: {}", "inner: {}": "outer: {}",
			"image: db": "imago: db", "5s": "5x", "\"${TEST:-/c}\"]": "7]", "retries: 3": "retries: [3]", "80:8080": "80:x"}[wrong], 1)
		if p := parse(t, []byte(changed), composefile.Options{}); p.Refused == nil {
			t.Errorf("%q is not refused", changed)
		}
	}
}
