package discover

import (
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// skimmable are files in which it is not easy to see what is hidden.
var skimmable = []string{
	"package a\n\nfunc f() {}\n\nfunc g(x interface{ M() }) (struct{ A int }, interface{}) { return struct{ A int }{1}, `}` }\n",
	"package a\n\nfunc f() { _ = '{'; _ = '\\''; _ = \"{\\\"\"; /* { */ _ = `{`\n// {\n}\n\nvar X = 1\n",
	"package a\n\nvar a = [...]int{1, 2, 3}\nvar b = []int{1, 2}\n\nconst C = len(a)\n",
	"package a\n\nvar (\n\ta = [...]int{1, 2}\n\tb, c = map[string][2]int{\"x\": {1, 2}}, struct{ A []int }{[]int{1}}\n\td = func(x struct{}) int { return 1 }(struct{}{})\n)\n",
	"package a\n\nvar a =\nfunc() int { return 1 }()\nvar b = [...]struct{ F func() }{\n\t{func() { println(\"}\") }},\n}\n",
	"package a\n\ntype T[P interface{ ~int }] struct{ f func(P) }\n\nfunc (t *T[P]) M() (r P) { return r }\nvar t = T[int]{\n\tf: nil, // }\n}\n",
	"package a; func f() { }; var x = []string{`\n`}; func g()\nvar y /*\n*/ = 2\n",
	"package a\n\nvar (a = A{[...]A{}})\n\nconst c = 1.\nvar x, y = A{1}[.5], A{2}\n",
	"package a\n\nfunc f() {\n};\nfunc g()\n",
	"package a\n\nvar f = func(a ...int) []int { return a }\nvar x = f([]int{1}...)\n",
}

// TestSkim compares what is left of files with what the parser leaves of them: those of
// the standard library and awkward ones.
func TestSkim(t *testing.T) {
	texts := slices.Clone(skimmable)
	for _, dir := range []string{"net/http", "unicode", "go/types", "text/template", "reflect", "runtime", "crypto/tls", "encoding/xml"} {
		names, err := filepath.Glob(filepath.Join(build.Default.GOROOT, "src", dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatal("no files", err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	for _, text := range texts {
		checkSkimmed(t, text)
	}
}

func FuzzSkim(f *testing.F) {
	for _, text := range skimmable {
		f.Add(text)
	}
	f.Fuzz(checkSkimmed)
}

func checkSkimmed(t *testing.T, text string) {
	want, err := visible(text)
	if err != nil {
		return
	}
	skimmed := string(skim([]byte(text)))
	got, err := visible(skimmed)
	if err != nil {
		t.Fatalf("%s\n%v, in\n%s", text, err, skimmed)
	}
	if !slices.Equal(want, got) {
		t.Fatalf("%s\n(-want +got)\n%s", text, cmp.Diff(want, got))
	}
	if strings.Count(text, "\n") != strings.Count(skimmed, "\n") {
		t.Errorf("%q has other lines than %q", skimmed, text)
	}
}

// visible returns the declarations of a file, without bodies and what literals hold.
func visible(text string) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "a.go", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
		if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.VAR {
			for _, spec := range gen.Specs {
				empty(spec)
			}
		}
		var b strings.Builder
		if err := format.Node(&b, token.NewFileSet(), decl); err != nil {
			return nil, err
		}
		out = append(out, strings.Join(strings.Fields(b.String()), " "))
	}
	return out, nil
}

// empty empties literals and functions, but for what stands behind an array whose length
// comes from its literal.
func empty(spec ast.Spec) {
	inferred := false
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ArrayType:
			_, dots := n.Len.(*ast.Ellipsis)
			inferred = inferred || dots
		case *ast.CompositeLit:
			if n.Type != nil {
				ast.Inspect(n.Type, look)
			}
			if !inferred {
				n.Elts = nil
			}
		case *ast.FuncLit:
			ast.Inspect(n.Type, look)
			if !inferred {
				n.Body.List = nil
			}
		}
		return true
	}
	ast.Inspect(spec, look)
}
