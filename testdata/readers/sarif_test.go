package readers

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/xeipuuv/gojsonschema"

	"github.com/ko-health/kohealth/builder/lint"
)

// TestSARIF validates what lint writes about its own cases against OASIS's schema of
// SARIF 2.1.0, and reads it with a library that must know every field.
func TestSARIF(t *testing.T) {
	schema := sarifSchema(t)
	names, err := filepath.Glob(filepath.Join("..", "lint", "*", "*.txtar"))
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	results := 0
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			findings, _ := lint.File(t.Context(), f.Name, f.Data, lint.Options{}) // images and what is wanted are no such files
			var text bytes.Buffer
			if err := lint.Write(&text, "sarif", "v1.2.3", findings); err != nil {
				t.Fatal(err)
			}
			result, err := schema.Validate(gojsonschema.NewBytesLoader(text.Bytes()))
			if err != nil || !result.Valid() {
				t.Errorf("%s: %s is not valid: %v, %v", name, f.Name, err, result)
			}
			var report sarif.Report
			dec := json.NewDecoder(&text)
			dec.DisallowUnknownFields()
			if err := dec.Decode(&report); err != nil || len(report.Runs[0].Results) != len(findings) {
				t.Errorf("%s: %s: %d results of %d findings, %v", name, f.Name, len(report.Runs[0].Results), len(findings), err)
			}
			results += len(findings)
		}
	}
	if results < 50 {
		t.Errorf("only %d results", results)
	}
}

// sarifSchema takes the schema out of the library's source: the library itself
// validates only what it has written.
func sarifSchema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	pkg, err := build.Import("github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == "schema" {
			text, err = strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	if err != nil || text == "" {
		t.Fatal("the library has no schema", err)
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
