package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/lint"
)

// TestExamples lints the example of every rule, testdata/lint/rules/ID.txtar, which
// docs/lint.md shows: the rule finds something in the files bad/NAME, which is in the
// section "want", and nothing in the files good/NAME, which hold no error either.
func TestExamples(t *testing.T) {
	rules := map[string]bool{}
	for _, r := range lint.Rules() {
		rules[r.ID] = true
		t.Run(r.ID, func(t *testing.T) {
			name := filepath.Join(casesDir, "rules", r.ID+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatalf("%v: every rule has an example, for docs/lint.md", err)
			}
			found := ofRule(lintCase(t, side(archive, "bad")), r.ID)
			if found == "" {
				t.Errorf("nothing is found in the bad files: %s", lintCase(t, side(archive, "bad")))
			}
			good := lintCase(t, side(archive, "good"))
			if ofRule(good, r.ID) != "" || strings.Contains(good, "error: ") {
				t.Errorf("found in the good files:\n%s", good)
			}
			if update {
				if err := os.WriteFile(name, txtar.Format(withSection(archive, "want", found)), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(section(archive, "want"), found); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	for _, name := range cases(t, "rules") {
		if !rules[base(name)] {
			t.Errorf("%s is the example of no rule", name)
		}
	}
}

// side returns the files of an example that are bad, or good, and those that are both.
func side(a *txtar.Archive, which string) *txtar.Archive {
	files := &txtar.Archive{}
	for _, f := range a.Files {
		name, of := strings.CutPrefix(f.Name, which+"/")
		if of || strings.HasPrefix(f.Name, "images/") {
			files.Files = append(files.Files, txtar.File{Name: name, Data: f.Data})
		}
	}
	return files
}

// ofRule returns a rule's findings, with their fixes.
func ofRule(findings, id string) string {
	var found strings.Builder
	within := false
	for line := range strings.Lines(findings) {
		if !strings.HasPrefix(line, " ") {
			within = strings.HasSuffix(line, "["+id+"]\n")
		}
		if within {
			found.WriteString(line)
		}
	}
	return found.String()
}
