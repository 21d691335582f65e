package discover_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
)

var (
	programs = filepath.Join("..", "..", "testdata", "programs")
	update   = os.Getenv("UPDATE") != ""
	library  = discover.Library{} // of what programs are made of
)

// TestSamples reads small apps that are written for it.
func TestSamples(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(programs, "samples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		check(t, e.Name(), "./samples/"+e.Name())
	}
}

// TestPrograms reads programs of others, in the versions that testdata/programs/go.mod
// names, where Go keeps them.
func TestPrograms(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}}", "tool")
	cmd.Dir, cmd.Stderr = programs, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	tools := strings.Fields(string(out))
	if len(tools) < 10 {
		t.Fatalf("there are only %d programs: %q", len(tools), tools)
	}
	for _, importpath := range tools {
		check(t, strings.ReplaceAll(strings.TrimPrefix(importpath, "github.com/"), "/", "_"), importpath)
	}
}

// TestBroken reads a program that does not compile.
func TestBroken(t *testing.T) {
	app, err := discover.Load(context.Background(), programs, "./broken")
	if err != nil {
		t.Fatal(err)
	}
	if app.Broken == nil || !strings.Contains(app.Broken.Error(), "net.Listen") {
		t.Errorf("it is broken: %v", app.Broken)
	}
	var tests []string
	for _, p := range app.Proposals() {
		tests = append(tests, p.Test.String())
	}
	if !slices.Contains(tests, "tcp://:8080") {
		t.Errorf("what can be read is not: %q", tests)
	}
}

// TestSyntax reads a program whose last line is not written yet.
func TestSyntax(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com\n\ngo 1.22\n",
		"main.go": "package main\n\nimport \"net/http\"\n\nfunc main() {\n\thttp.ListenAndServe(\":8080\", nil",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	app, err := discover.Load(context.Background(), dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	if app.Broken == nil || !strings.Contains(app.Broken.Error(), "main.go:6:") {
		t.Errorf("it is broken: %v", app.Broken)
	}
	if p := app.Proposals(); len(p) == 0 || p[0].Test.String() != "tcp://:8080" {
		t.Errorf("proposals: %+v", p)
	}
}

// check compares what is proposed for an app with testdata/NAME.txt.
func check(t *testing.T, name, importpath string) {
	t.Run(name, func(t *testing.T) {
		app, err := library.Load(context.Background(), programs, importpath)
		if err != nil {
			t.Fatal(err)
		}
		if app.Broken != nil {
			t.Errorf("it is not read whole: %v", app.Broken)
		}
		proposals := app.Proposals()
		golden := filepath.Join("testdata", name+".txt")
		got := describe(app, proposals)
		if update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("proposals (-want +got); UPDATE=1 rewrites them:\n%s", diff)
		}
		for _, p := range proposals {
			if again, err := health.ParseTest(p.Test.String()); err != nil || again.String() != p.Test.String() {
				t.Errorf("%s is not what .ko.yaml can hold: %v", p.Test, err)
			}
			checkEvidence(t, app, p)
		}
	})
}

// checkEvidence checks that what is said to stand in a place begins as that does.
func checkEvidence(t *testing.T, app *discover.App, p discover.Proposal) {
	t.Helper()
	for _, e := range p.Evidence {
		data, err := os.ReadFile(filepath.Join(app.ModuleDir, filepath.FromSlash(e.File)))
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(string(data), "\n")
		word := strings.FieldsFunc(e.Source, func(r rune) bool { return strings.ContainsRune(" (.&", r) })
		if e.Line > len(lines) || len(word) == 0 || !strings.HasPrefix(strings.TrimLeft(lines[e.Line-1][e.Column-1:], "(&"), word[0]) {
			t.Errorf("%s: %q does not stand there", e.Position, e.Source)
		}
	}
}

func describe(app *discover.App, proposals []discover.Proposal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d packages of its module\n", path.Base(app.Importpath), len(app.Packages))
	for _, p := range proposals {
		fmt.Fprintf(&b, "\n%s\n", p.Test)
		for _, e := range p.Evidence {
			fmt.Fprintf(&b, "   %s: %s\n", e.Position, e.Source)
		}
		for _, note := range p.Notes {
			fmt.Fprintf(&b, "   note: %s\n", note)
		}
		for _, reason := range p.Weak {
			fmt.Fprintf(&b, "   weak: %s\n", reason)
		}
	}
	return b.String()
}
