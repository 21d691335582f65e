package why_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/why"
)

// TestCauses checks that all that documents a cause is there, and that an engine or a case
// of testdata has it found.
func TestCauses(t *testing.T) {
	var tried strings.Builder
	for _, pattern := range []string{"testdata/read/*.txtar", "../../testdata/engine/why*.txtar", "../../testdata/script/why*.txtar", "*_test.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tried.Write(data)
		}
	}
	var ids []string
	for _, c := range why.Causes() {
		ids = append(ids, c.ID)
		if c.Doc == "" || !strings.HasSuffix(c.Doc, ".") || len(c.Signs) == 0 || c.Sure == "" || c.Do == "" {
			t.Errorf("%s is not documented", c.ID)
		}
		if !regexp.MustCompile(`\[` + c.ID + `\b`).MatchString(strings.ReplaceAll(tried.String(), `\[`, "[")) {
			t.Errorf("no test has %s found", c.ID)
		}
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("ids are not unique: %v", ids)
	}
}

// TestRules checks that lint has the rules that causes name.
func TestRules(t *testing.T) {
	var known []string
	for _, r := range lint.Rules() {
		known = append(known, r.ID)
	}
	names, err := filepath.Glob("cause_*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range regexp.MustCompile(`(?:rules:|rules :=) +\[\]string{(.*?)}|(?:found|finding|warns)\((".*?")\)`).FindAllStringSubmatch(string(data), -1) {
			for _, quoted := range strings.Split(list[1]+list[2], ", ") {
				named++
				if !slices.Contains(known, strings.Trim(quoted, `"`)) {
					t.Errorf("%s: lint has no rule %s", name, quoted)
				}
			}
		}
	}
	if named == 0 {
		t.Error("no cause names a rule")
	}
}

// TestDocument checks that docs/why.md has the causes. With UPDATE set it writes them.
func TestDocument(t *testing.T) {
	const name, begin = "../../docs/why.md", "<!-- causes: UPDATE=1 go test ./builder/why -run TestDocument -->\n"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(data), begin)
	if !ok {
		t.Fatalf("%s has no place for the causes", name)
	}
	want := causesDocument()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(before+begin+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func causesDocument() string {
	var b strings.Builder
	for _, c := range why.Causes() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", c.ID, c.Doc)
		for _, s := range c.Signs {
			on := s.On
			if on == "all" {
				on = "everywhere"
			}
			fmt.Fprintf(&b, "- %s: %s\n", on, s.Looks)
		}
		fmt.Fprintf(&b, "\n*How sure:* %s\n\n*What to do:* %s.\n", c.Sure, strings.TrimSuffix(c.Do, "."))
	}
	return b.String()
}
