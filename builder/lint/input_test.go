package lint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/quick"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/lint"
)

// Credentials that stand in a command or in the name of an image are not in findings.
func TestCredentialsAreNotPrinted(t *testing.T) {
	const task = `{"containerDefinitions": [
	  {"name": "a", "image": "app", "healthCheck": {"command": ["CMD-SHELL", "curl http://user:hunter2@localhost:80/"]}},
	  {"name": "b", "image": "app", "healthCheck": {"command": ["CMD", "curl http://user:hunter2@localhost:80/ || exit 1"]}},
	  {"name": "c", "healthCheck": {"command": ["curl http://user:hunter2@localhost:80/"]}}]}`
	img, err := describe("config {\"Healthcheck\": {\"Test\": [\"CMD-SHELL\", \"wget http://user:hunter2@localhost/\"]}}\nlayer\n/bin/sh elf amd64\n/bin/curl elf amd64")
	if err != nil {
		t.Fatal(err)
	}
	open := func(context.Context, string, v1.Platform) (v1.Image, error) { return img, nil }
	got, err := lint.File(t.Context(), "task.json", []byte(task), lint.Options{Open: open})
	if err != nil || len(got) < 5 {
		t.Fatalf("%d findings, %v", len(got), err)
	}
	for _, format := range lint.Formats() {
		if text := write(t, format, got); strings.Contains(text, "hunter2") {
			t.Errorf("%s:\n%s", format, text)
		}
	}
}

// A failure to read an image is an error, and nothing is concluded from it.
func TestUnreadableImage(t *testing.T) {
	img, err := describe("layer\n/bin/sh elf amd64")
	if err != nil {
		t.Fatal(err)
	}
	open := func(context.Context, string, v1.Platform) (v1.Image, error) { return broken{img}, nil }
	const task = `{"memory": "512", "containerDefinitions": [{"name": "a", "image": "app", "healthCheck": {"command": ["CMD-SHELL", "/check"]}}]}`
	got, err := lint.File(t.Context(), "task.json", []byte(task), lint.Options{Open: open})
	if err == nil || len(got) > 0 {
		t.Errorf("findings %v, error %v", got, err)
	}
}

// broken is an image whose layers cannot be read.
type broken struct{ v1.Image }

func (b broken) Layers() ([]v1.Layer, error) {
	layers, err := b.Image.Layers()
	for i := range layers {
		layers[i] = brokenLayer{layers[i]}
	}
	return layers, err
}

type brokenLayer struct{ v1.Layer }

func (brokenLayer) Compressed() (io.ReadCloser, error) { return nil, errors.New("gone") }

// Containers of one image have it opened once, and its layer is not read anew for each of its
// programs.
func TestImageIsReadOnce(t *testing.T) {
	img, err := describe("layer\n/bin/\n/bin/sh elf amd64\n/bin/a elf amd64\n/bin/b elf amd64")
	if err != nil {
		t.Fatal(err)
	}
	opened, read := 0, 0
	open := func(context.Context, string, v1.Platform) (v1.Image, error) {
		opened++
		return counted{img, &read}, nil
	}
	const task = `{"memory": "512", "containerDefinitions": [
		{"name": "1", "image": "app", "healthCheck": {"command": ["CMD-SHELL", "a && b"]}},
		{"name": "2", "image": "app", "healthCheck": {"command": ["CMD-SHELL", "a && b"]}},
		{"name": "3", "image": "app", "healthCheck": {"command": ["CMD", "c"]}}]}`
	got, err := lint.File(t.Context(), "task.json", []byte(task), lint.Options{Open: open})
	if err != nil || len(got) != 1 || got[0].Container != "3" || got[0].Rule != "no-program" {
		t.Errorf("findings %v, error %v", got, err)
	}
	// Once for what is where, for of equal entries the last counts; once for what is in the
	// programs; and once more for the shell, which is passed on the way to them.
	if opened != 1 || read > 3 {
		t.Errorf("opened %d times, layer read %d times", opened, read)
	}
}

// counted is an image that counts how often its layers are read.
type counted struct {
	v1.Image
	read *int
}

func (c counted) Layers() ([]v1.Layer, error) {
	layers, err := c.Image.Layers()
	for i := range layers {
		layers[i] = countedLayer{layers[i], c.read}
	}
	return layers, err
}

type countedLayer struct {
	v1.Layer
	read *int
}

func (l countedLayer) Compressed() (io.ReadCloser, error) {
	*l.read++
	return l.Layer.Compressed()
}

func TestOptions(t *testing.T) {
	const task = `{"containerDefinitions": [{"name": "a", "healthCheck": {"command": ["CMD", "/c"], "interval": 5, "timeout": 1, "retries": 1}}]}`
	count := func(o lint.Options) (rules []string) {
		got, err := lint.File(t.Context(), "task.json", []byte(task), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got {
			rules = append(rules, f.Rule)
		}
		return rules
	}
	if got := fmt.Sprint(count(lint.Options{})); got != "[no-memory ecs-timeout no-start-period]" {
		t.Errorf("all: %s", got)
	}
	if got := fmt.Sprint(count(lint.Options{Severity: lint.Error, Ignore: []string{"no-memory"}})); got != "[ecs-timeout]" {
		t.Errorf("errors but no-memory: %s", got)
	}
	for _, s := range []lint.Severity{lint.Info, lint.Warning, lint.Error} {
		if got, err := lint.ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("ParseSeverity(%q) = %v, %v", s, got, err)
		}
	}
}

// Many containers take no longer each than few.
func TestManyContainers(t *testing.T) {
	task := `{"memory": "1", "containerDefinitions": [` + strings.Repeat(`{"name":"a","dependsOn":[{"condition":"HEALTHY","containerName":"b"}]},`, 20_000) + `{"name":"b"}]}`
	got, err := lint.File(t.Context(), "task.json", []byte(task), lint.Options{Severity: lint.Error})
	if err != nil || len(got) != 20_000 {
		t.Errorf("%d findings, %v", len(got), err)
	}
}

// FuzzFile checks that no file makes lint panic, that positions lie in the file, and
// that a file and the names in it do not decide how long it takes.
func FuzzFile(f *testing.F) {
	for _, kind := range []string{"ok", "err"} {
		for _, name := range cases(f, kind) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range archive.Files {
				if !strings.HasPrefix(file.Name, "images/") && file.Name != "want" {
					f.Add(file.Data)
				}
			}
		}
	}
	img, err := describe("config {\"Healthcheck\": {\"Test\": [\"CMD\", \"/c\"]}}\nlayer\n/bin/ 0700\n/bin/sh elf amd64 loader=/x needs=y\n/usr/bin -> ../bin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkPlaces(t, "f", data, img) })
}

// Whatever is written into a check as ECS takes it, within ECS's ranges, passes.
func TestWhatECSTakesPasses(t *testing.T) {
	check := func(interval, timeout, retries, startPeriod uint16) bool {
		i, n := 5+int(interval)%296, 1+int(retries)%10
		task := fmt.Sprintf(`{"memory": "512", "containerDefinitions": [{"name": "a", "healthCheck":
			{"command": ["CMD", "/usr/bin/healthcheck"], "interval": %d, "timeout": %d, "retries": %d, "startPeriod": %d}}]}`,
			i, 2+int(timeout)%min(i-1, 59), n, 1+int(startPeriod)%300)
		got, err := lint.File(t.Context(), "task.json", []byte(task), lint.Options{})
		if err != nil || len(got) > 0 {
			t.Log(task, got, err)
		}
		return err == nil && len(got) == 0
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

// TestIncludedServices names the file that a service stands in, if that is another.
func TestIncludedServices(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "base.yaml"), []byte("services: {app: {image: app, healthcheck: {test: 'exit 1'}}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := lint.File(t.Context(), "compose.yaml", []byte("include:\n  - base.yaml\n"), lint.Options{Dir: dir, Severity: lint.Error})
	if err != nil || len(got) != 1 || got[0].Line != 2 || !strings.HasSuffix(got[0].Message, " (in base.yaml)") {
		t.Errorf("%+v, %v", got, err)
	}
}
