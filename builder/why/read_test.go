package why_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/ko-health/kohealth/builder/escape"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/why"
)

// now is when what testdata/read holds was printed.
var now = time.Date(2026, 1, 2, 3, 10, 0, 0, time.UTC)

// TestRead reads what command lines print, in testdata/read, and compares the report. With
// UPDATE set it writes what it gets.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/read/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := report(t, archive.Files[0].Data)
			if os.Getenv("UPDATE") != "" {
				archive.Files = []txtar.File{archive.Files[0], {Name: "report", Data: []byte(got)}}
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func report(t *testing.T, data []byte) string {
	t.Helper()
	s, err := why.ReadAt(data, now)
	if err != nil {
		t.Fatal(err)
	}
	s.Judge(t.Context(), why.Options{})
	var b bytes.Buffer
	if err := why.Diagnose(s).Write(&b, "text"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "there is no container in it",
		"[]":                          "there is no container in it",
		"NAME  READY":                 "parsing standard input: invalid character",
		"3":                           "parsing standard input: ",
		"{}":                          "nothing that describes a container",
		`{"kind": "Deployment"}`:      "a Deployment is no pod",
		`{"State": {}, "Config": []}`: "parsing container: ",
		`{"taskDefinition": {"containerDefinitions": []}}`: "how containers are to run",
		`{"tasks": [{"createdAt": "yesterday"}]}`:          "parsing task: ",
		`{"kind": "Pod", "spec": 1}`:                       "parsing pod: ",
		`[{"kind": "Event", "reason": 1}]`:                 "parsing event: ",
	} {
		if _, err := why.ReadAt([]byte(text), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// FuzzRead checks that nothing that is read makes a report that steers a terminal, or none.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/read/*.txtar")
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := why.ReadAt(data, now)
		if err != nil {
			return
		}
		r := why.Diagnose(s)
		if len(r.Causes) > 3 {
			t.Errorf("%d causes", len(r.Causes))
		}
		for _, format := range why.Formats() {
			var b bytes.Buffer
			if err := r.Write(&b, format); err != nil {
				t.Fatal(err)
			}
			if text := b.String(); escape.Lines(text) != text && format == "text" {
				t.Errorf("not fit for a terminal: %q", text)
			}
		}
	})
}

func TestDescribedLimit(t *testing.T) {
	big := strings.NewReader(strings.Repeat(" ", int(limits.Described.Max())+1))
	if _, err := limits.Described.ReadAll(big); !limits.IsExceeded(err) {
		t.Errorf("error %v", err)
	}
}
