package lint_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/lint"
)

var findings = []lint.Finding{
	{Rule: "no-shell", Severity: lint.Error, File: "dir/a b,c.json", Pos: doctree.Pos{Line: 3, Column: 7}, Container: "app", Message: "100% wrong", Fix: "one\ntwo"},
	{Rule: "no-program", Severity: lint.Warning, File: "dir/a b,c.json", Pos: doctree.Pos{Line: 4, Column: 1}, Container: "app", Message: "gone", Fix: "one\ntwo"},
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

// The results of SARIF name the rules that they are of. That it keeps to the schema is
// tested in testdata/readers.
func TestWriteSARIF(t *testing.T) {
	text := write(t, "sarif", findings)
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	for i, r := range log.Runs[0].Results {
		if of := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; r.RuleID != findings[i].Rule || of != findings[i].Rule {
			t.Errorf("the result of %s is of %s and %s", findings[i].Rule, r.RuleID, of)
		}
	}
	if !strings.Contains(text, `"uri": "dir/a%20b,c.json"`) {
		t.Errorf("no relative reference to the file:\n%s", text)
	}
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

// TestWriteForeignWords checks that what a file or an image says can neither end a line
// nor steer a terminal, nor be a command to the runner of a workflow.
func TestWriteForeignWords(t *testing.T) {
	const words = "x\n::error::y \x1b[2J\u202e\u061c##[z"
	hostile := []lint.Finding{{
		Rule: "no-shell", Severity: lint.Error, File: words, Pos: doctree.Pos{Line: 3, Column: 7}, Container: words, Message: words,
		Fix: "one\n::two \x1b##[",
	}}
	const safe = `x\n::error::y \x1b[2J\u202e\u061c\x23#[z`
	for format, want := range map[string]string{
		"text": safe + ":3:7: error: " + safe + ": " + safe + " [no-shell]\n    one\n    \\x3a:two \\x1b\\x23#[\n",
		"github": "::error file=" + strings.ReplaceAll(safe, ":", "%3A") + ",line=3,col=7,title=no-shell::" +
			safe + ": " + safe + `%0Aone%0A\x3a:two \x1b\x23#[` + "\n",
	} {
		if diff := cmp.Diff(want, write(t, format, hostile)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	for _, format := range []string{"json", "sarif"} {
		text := write(t, format, hostile)
		if strings.ContainsAny(text, "\x1b\u202e\u061c") || strings.Contains(text, "##[") {
			t.Errorf("%s: %q", format, text)
		}
	}
	var got []lint.Finding
	if err := json.Unmarshal([]byte(write(t, "json", hostile)), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hostile, got); diff != "" {
		t.Errorf("JSON means something else (-want +got):\n%s", diff)
	}
}
