package lint_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/xeipuuv/gojsonschema"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/lint/source"
)

var findings = []lint.Finding{
	{Rule: "no-shell", Severity: lint.Error, File: "dir/a b,c.json", Pos: source.Pos{Line: 3, Column: 7}, Container: "app", Message: "100% wrong", Fix: "one\ntwo"},
	{Rule: "no-program", Severity: lint.Warning, File: "dir/a b,c.json", Pos: source.Pos{Line: 4, Column: 1}, Container: "app", Message: "gone", Fix: "one\ntwo"},
	{Rule: "unchecked", Severity: lint.Info, File: "example.com/app:v1", Message: "nothing"},
}

func write(t *testing.T, format string, findings []lint.Finding) string {
	t.Helper()
	var out bytes.Buffer
	if err := lint.Write(&out, format, "v1.2.3", findings); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWrite(t *testing.T) {
	for format, want := range map[string]string{
		"text": `dir/a b,c.json:3:7: error: app: 100% wrong [no-shell]
dir/a b,c.json:4:1: warning: app: gone [no-program]
    one
    two
example.com/app:v1: info: nothing [unchecked]
`,
		"github": `::error file=dir/a b%2Cc.json,line=3,col=7,title=no-shell::app: 100%25 wrong%0Aone%0Atwo
::warning file=dir/a b%2Cc.json,line=4,col=1,title=no-program::app: gone%0Aone%0Atwo
::notice title=unchecked::example.com/app:v1: nothing
`,
	} {
		if diff := cmp.Diff(want, write(t, format, findings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	if err := lint.Write(&bytes.Buffer{}, "xml", "", nil); err == nil {
		t.Error("an unknown format is written")
	}
}

func TestWriteJSON(t *testing.T) {
	var got []map[string]any
	if err := json.Unmarshal([]byte(write(t, "json", findings)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"rule": "no-shell", "severity": "error", "file": "dir/a b,c.json", "line": 3., "column": 7.,
		"container": "app", "message": "100% wrong", "fix": "one\ntwo"}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWriteSARIF validates against the schema of SARIF 2.1.0, and checks that there is
// nothing that it does not know.
func TestWriteSARIF(t *testing.T) {
	schema := sarifSchema(t)
	for _, list := range [][]lint.Finding{findings, {}} {
		text := write(t, "sarif", list)
		var report sarif.Report
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&report); err != nil {
			t.Fatal(err)
		}
		result, err := schema.Validate(gojsonschema.NewStringLoader(text))
		if err != nil || !result.Valid() {
			t.Errorf("not valid: %v, %v", err, result)
		}
		if got := len(report.Runs[0].Results); got != len(list) {
			t.Errorf("%d results of %d findings", got, len(list))
		}
		for i, r := range report.Runs[0].Results {
			if rule := report.Runs[0].Tool.Driver.Rules[r.RuleIndex]; *rule.ID != list[i].Rule {
				t.Errorf("result of %s has the index of %s", list[i].Rule, *rule.ID)
			}
		}
		if len(list) > 0 && !strings.Contains(text, `"uri": "dir/a%20b,c.json"`) {
			t.Errorf("no relative reference to the file:\n%s", text)
		}
	}
}

// sarifSchema takes OASIS's schema out of a library's source: the library itself
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
	literal := file.Scope.Lookup("schema").Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit)
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The seed case says all that its user would have needed in ten lines.
func TestSeedIsShort(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join(casesDir, "err", "seed.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	got := lintCase(t, archive)
	if n := strings.Count(got, "\n"); n > 10 {
		t.Errorf("%d lines:\n%s", n, got)
	}
	for _, want := range []string{"/bin/sh", "curl", "memory", "kohealth build", `"healthCheck": {`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said:\n%s", want, got)
		}
	}
}
