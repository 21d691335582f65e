package lint_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/lint"
)

var (
	casesDir = filepath.Join("..", "..", "testdata", "lint")
	update   = os.Getenv("UPDATE") != "" // UPDATE=1 go test ./builder/lint rewrites what is wanted
)

func cases(t testing.TB, kind string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(casesDir, kind, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in %s: %v", kind, err)
	}
	return names
}

// TestCases lints the files of every case in testdata/lint, or, where it has none, its
// images, and compares the findings with the section "want". What is in ok has none.
//
// The sections images/NAME describe the images that files name; see describe.
func TestCases(t *testing.T) {
	for _, kind := range []string{"ok", "err"} {
		for _, name := range cases(t, kind) {
			t.Run(kind+"/"+base(name), func(t *testing.T) {
				archive, err := txtar.ParseFile(name)
				if err != nil {
					t.Fatal(err)
				}
				got, want := lintCase(t, archive), section(archive, "want")
				if (got == "") != (kind == "ok") {
					t.Errorf("findings in %s:\n%s", kind, got)
				}
				if update && kind == "err" {
					if err := os.WriteFile(name, txtar.Format(withSection(archive, "want", got)), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func withSection(a *txtar.Archive, name, data string) *txtar.Archive {
	changed := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if f.Name != name {
			changed.Files = append(changed.Files, f)
		}
	}
	changed.Files = append(changed.Files, txtar.File{Name: name, Data: []byte(data)})
	return changed
}

// imagesOf makes the images that a case describes.
func imagesOf(t *testing.T, archive *txtar.Archive) (images map[string]v1.Image, names []string) {
	t.Helper()
	images = map[string]v1.Image{}
	for _, f := range archive.Files {
		name, ok := strings.CutPrefix(f.Name, "images/")
		if !ok {
			continue
		}
		img, err := describe(string(f.Data))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		images[name], names = img, append(names, name)
	}
	return images, names
}

// optionsOf has the images of a case opened.
func optionsOf(t *testing.T, archive *txtar.Archive) lint.Options {
	t.Helper()
	images, _ := imagesOf(t, archive)
	return lint.Options{Open: func(_ context.Context, ref string, _ v1.Platform) (v1.Image, error) {
		if img, ok := images[ref]; ok || !strings.HasPrefix(ref, "missing") {
			return img, nil
		}
		return nil, errors.New("there is no image " + ref)
	}}
}

func lintCase(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	images, names := imagesOf(t, archive)
	o := optionsOf(t, archive)
	var out bytes.Buffer
	report := func(findings []lint.Finding, err error) {
		if werr := lint.Write(&out, "text", "", findings); werr != nil {
			t.Fatal(werr)
		}
		if err != nil {
			fmt.Fprintln(&out, "error:", err)
		}
	}
	files := 0
	for _, f := range archive.Files {
		if f.Name != "want" && !strings.HasPrefix(f.Name, "images/") {
			report(lint.File(t.Context(), f.Name, f.Data, o))
			files++
		}
	}
	for _, name := range names {
		if files == 0 {
			report(lint.Image(t.Context(), name, images[name], o))
		}
	}
	return out.String()
}

// TestEveryRule checks that every rule finds something in two cases at least, and
// says where it comes from.
func TestEveryRule(t *testing.T) {
	found := map[string]int{}
	for _, name := range cases(t, "err") {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(section(archive, "want")) {
			if i := strings.LastIndex(line, "["); i >= 0 && strings.HasSuffix(line, "]\n") && !strings.HasPrefix(line, " ") {
				found[line[i+1:len(line)-2]]++
			}
		}
	}
	for _, r := range lint.Rules() {
		if found[r.ID] < 2 {
			t.Errorf("%s is found %d times in the cases", r.ID, found[r.ID])
		}
		if !strings.HasPrefix(r.Source, "https://") || !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: source %q, doc %q", r.ID, r.Source, r.Doc)
		}
		delete(found, r.ID)
	}
	if len(found) > 0 {
		t.Errorf("cases want rules that there are not: %v", found)
	}
}
