package action

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// TestActionSummary compares the summary of metadata that mean harm, and of others, with
// goldens.
func TestActionSummary(t *testing.T) {
	for _, name := range []string{"index", "hostile"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "summary")
			var r Result
			if err := json.Unmarshal(read(t, filepath.Join(dir, name+".json")), &r.Metadata); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, name+".md")
			got := r.summary()
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("summary (-want +got); UPDATE=1 go test mends it:\n%s", diff)
			}
		})
	}
}

// TestActionOutputFile checks that no value can end itself and begin another output.
func TestActionOutputFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "output")
	w := workflow{output: file}
	r := &Result{Metadata: pipeline.Metadata{Images: []pipeline.ImageMetadata{{Digest: "sha256:1", Tags: []string{"a", "EOF", "digest=evil", "digest<<EOF", "evil", "EOF"}}}}}
	if err := w.setOutputs(r); err != nil {
		t.Fatal(err)
	}
	got := readOutputs(t, string(read(t, file)))
	if got["digest"] != "sha256:1" || got["tags"] != "a\nEOF\ndigest=evil\ndigest<<EOF\nevil\nEOF" || len(got) != 9 {
		t.Errorf("outputs: %q", got)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readOutputs reads a file of outputs as GitHub's runner does.
func readOutputs(t *testing.T, text string) map[string]string {
	t.Helper()
	outputs := map[string]string{}
	for text != "" {
		head, rest, _ := strings.Cut(text, "\n")
		name, delimiter, ok := strings.Cut(head, "<<")
		value, after, found := strings.Cut(rest, "\n"+delimiter+"\n")
		if !ok || !found {
			t.Fatalf("cannot read %q", text)
		}
		outputs[name], text = value, after
	}
	return outputs
}

func TestFailureSummary(t *testing.T) {
	want := "### kohealth failed\n\n<pre>building &#34;x&#34;: &#60;/pre&#62;<br>do it<br></pre>\n\n"
	if got := failureSummary("building \"x\": </pre>\ndo it", nil); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
