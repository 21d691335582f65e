package discover

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
)

// load loads an app of these files.
func load(t testing.TB, files map[string]string) error {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com\n\ngo 1.22\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(context.Background(), dir, ".")
	return err
}

func TestSourceLimit(t *testing.T) {
	of := func(n int64) error {
		text := "package main\n\nfunc main() {}\n"
		return load(t, map[string]string{"main.go": text + strings.Repeat("\n", int(n)-len(text))})
	}
	limitstest.Check(t, limits.Source, of(limits.Source.Max()), of(limits.Source.Max()+1))
}

func TestConstantLimit(t *testing.T) {
	of := func(n int64) error { // with its quotes
		half := n / 2
		return load(t, map[string]string{"main.go": "package main\n\nconst a = `" + strings.Repeat("x", int(half)-2) + "`\nconst b = a + \"" + strings.Repeat("y", int(n-half)-2) + "\"\n\nfunc main() {}\n"})
	}
	limitstest.Check(t, limits.Constant, of(limits.Constant.Max()), of(limits.Constant.Max()+1))
}

// doubled returns declarations of n constants each of which is twice the one before.
func doubled(n int, declare func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(declare(i))
	}
	return b.String()
}

func TestDoubledConstants(t *testing.T) {
	const doublings = 39
	local := func(name func(int) string) string {
		return "package main\n\nfunc main() {\n\tconst " + name(0) + " = \"x\"\n" + doubled(doublings, func(i int) string {
			return fmt.Sprintf("{\nconst %s = %s + %[2]s\n", name(i+1), name(i))
		}) + "println(len(" + name(doublings) + "))" + strings.Repeat("}", doublings+1) + "\n"
	}
	for name, files := range map[string]map[string]string{
		"of a package": {"main.go": "package main\n\nconst c0 = \"x\"\n" + doubled(doublings, func(i int) string {
			return fmt.Sprintf("const c%d = c%d + c%[2]d\n", i+1, i)
		}) + "var n = len(c39)\n\nfunc main() {}\n"},
		"backwards": {"main.go": "package main\n\nvar n = len(c39)\n" + doubled(doublings, func(i int) string {
			return fmt.Sprintf("const c%d = c%d + (c%[2]d)\n", doublings-i, doublings-i-1)
		}) + "const c0 = \"x\"\n\nfunc main() {}\n"},
		"in a function":     {"main.go": local(func(i int) string { return fmt.Sprint("c", i) })},
		"of one name":       {"main.go": local(func(int) string { return "c" })},
		"of two names":      {"main.go": local(func(i int) string { return fmt.Sprint("c", i%2) })},
		"typed":             {"main.go": "package main\n\ntype T string\n\nconst c0 T = \"x\"\n" + doubled(doublings, func(i int) string { return fmt.Sprintf("const c%d = T(c%d) + T(c%[2]d)\n", i+1, i) }) + "var n = len(c39)\n\nfunc main() {}\n"},
		"in one expression": {"main.go": "package main\n\nconst c = \"" + strings.Repeat("x", 100_000) + "\"\n\nfunc main() { println(len(" + strings.Repeat("c+", 20) + "c)) }\n"},
		"of other packages": {
			"main.go": "package main\n\nimport (\n\tp \"example.com/a\"\n\t. \"example.com/b\"\n)\n\nvar n = len(p.A + B)\n\nfunc main() {}\n",
			"a/a.go":  "package a\n\nimport \"example.com/b\"\n\nconst A = b.B + b.B\n",
			"b/b.go":  "package b\n\nconst (\n\tB = C + C\n\tC = \"" + strings.Repeat("x", 200_000) + "\"\n)\n",
		},
	} {
		t.Run(name, func(t *testing.T) { limitstest.Check(t, limits.Constant, nil, load(t, files)) })
	}
	if err := load(t, map[string]string{"main.go": "package main\n\nconst name = \"x\"\n\nfunc main() {\n\tconst name = name + \"s\"\n\tprintln(name)\n}\n"}); err != nil {
		t.Errorf("a name that is used twice: %v", err)
	}
}

// Whoever interrupts gets no app.
func TestLoadInterrupted(t *testing.T) {
	main, all := listed(t)
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(errors.New("interrupted"))
	c := newChecker(ctx, main, all)
	c.check(main)
	if err := c.finish(); err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v", err)
	}
}

// listed returns a main package that uses much of the standard library.
func listed(t testing.TB) (*packages.Package, map[string]*packages.Package) {
	t.Helper()
	dir := t.TempDir()
	text := "package main\n\nimport (\n\t_ \"flag\"\n\t_ \"net\"\n\t_ \"net/http\"\n\t_ \"os\"\n)\n\nfunc main() {}\n"
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com\n\ngo 1.22\n"), 0o644), os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	main, all, err := list(t.Context(), dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	return main, all
}

// FuzzApp: any main package is read, or is an error, and every proposal is a check.
func FuzzApp(f *testing.F) {
	samples, err := filepath.Glob("../../testdata/programs/samples/*/*.go")
	if err != nil || len(samples) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range samples {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	main, all := listed(f)
	library := newChecker(context.Background(), main, all)
	library.check(main)
	delete(library.done, main.ID)
	f.Fuzz(func(t *testing.T, text string) {
		c := newChecker(t.Context(), main, all)
		c.done = maps.Clone(library.done)
		file, err := parser.ParseFile(c.app.fset, "main.go", text, parser.SkipObjectResolution)
		if file == nil {
			return
		}
		c.checkFiles(main, c.app.fset, []*ast.File{file}, err)
		if c.finish() != nil {
			return
		}
		for _, p := range c.app.Proposals() {
			if slices.Contains(p.Test.Args, "") && len(p.Test.Args) == 1 {
				t.Errorf("%q leads to a check of nothing", text)
			}
		}
	})
}
