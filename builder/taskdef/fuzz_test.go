package taskdef_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/taskdef"
)

// FuzzEdit puts an image into every container of any file: between the images, every
// byte is as it was. Then it puts in checks: what comes out can be read, holds them, and
// does not change if they are put in again.
func FuzzEdit(f *testing.F) {
	names, err := filepath.Glob("../../testdata/taskdef/*.txtar")
	if err != nil || len(names) < 5 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	for _, s := range []string{
		"[{image: a,name: b},]", "- image:\n- {image: }\n- image: &a x\n- image: !!str x\n", "? image\n: x\n", "- image: 'it''s'\n- image: \"\\\"\"\n- image: a\n   b\n",
		"- \"image\": x # y\n  z: |\n   a\n", "-\timage: x\n", "- image: x\n  \n#c\n- name: \"\\\n  y\"", "- image: x\r  a: b\r", "- image: ü\u2028  a: \u0085", "- {image: x\n}", "- !t {image: !u x}\n",
		"[{\"image\":1e9,\"image\":\"b\",\"Image\":{}}]", "- image: x\n...\n", "--- # a\n- image: x", "- image: [a: b]\n", "- name: [\n]\n- name: {a: }\n", "- healthCheck: ~\n  image: x", "- healthCheck:\n    a: b\n    # c\n  image: x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const ref = "registry.example.com/fuzzed@sha256:0123"
		if bytes.Contains(data, []byte("fuzzed")) {
			return
		}
		file, err := taskdef.Parse(data)
		if err != nil {
			return
		}
		var images []taskdef.Change
		for _, c := range file.Containers {
			if c.Image != "" {
				images = append(images, taskdef.Change{Container: c, Image: ref})
			}
		}
		if edited, err := file.Edit(images); err == nil {
			checkBetween(t, data, edited.Data, ref, len(images))
		}
		once, err := edit(data)
		if err != nil {
			return
		}
		isJSON := bytes.HasPrefix(bytes.TrimLeft(data, "\uFEFF \t\r\n"), []byte("{")) || bytes.HasPrefix(bytes.TrimLeft(data, "\uFEFF \t\r\n"), []byte("["))
		if isJSON && !json.Valid(bytes.TrimPrefix(once, []byte("\uFEFF"))) {
			t.Fatalf("%q is no JSON", once)
		}
		if err := yaml.Unmarshal(once, new(yaml.Node)); !isJSON && err != nil {
			t.Fatalf("%q is no YAML: %v", once, err)
		}
		again, err := taskdef.Parse(once)
		if err != nil || len(again.Containers) != len(file.Containers) {
			t.Fatalf("%q becomes %q: %v", data, once, err)
		}
		for _, c := range again.Containers {
			if !c.Checked || c.Image == "" {
				t.Fatalf("%q becomes %q without a check", data, once)
			}
		}
		if twice, err := edit(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q and then %q: %v", data, once, twice, err)
		}
	})
}

// checkBetween checks that edited is data but for as many references as given, each in
// the place of a value.
func checkBetween(t *testing.T, data, edited []byte, ref string, count int) {
	t.Helper()
	pieces := strings.Split(string(edited), ref)
	if len(pieces) != count+1 {
		t.Fatalf("%q becomes %q: %d images, want %d", data, edited, len(pieces)-1, count)
	}
	rest := string(data)
	for i, piece := range pieces {
		if i > 0 { // quotes may be new
			piece = strings.TrimPrefix(piece, `"`)
		}
		if i < count {
			piece = strings.TrimSuffix(piece, `"`)
		}
		at := strings.Index(rest, piece)
		if at < 0 || i == 0 && at != 0 || i == count && !strings.HasSuffix(rest, piece) {
			t.Fatalf("%q becomes %q: %q has changed", data, edited, piece)
		}
		rest = rest[at+len(piece):]
	}
}

// FuzzStrip strips any file: what comes out is JSON and has nothing more to strip.
func FuzzStrip(f *testing.F) {
	for _, s := range []string{
		`{"revision": 1, "containerDefinitions": [{"name": "a"}], "status": {}}`,
		"{\n  \"taskDefinition\": {\n    \"containerDefinitions\": [{\"name\": \"a\"}], \"status\": \"\"\n  },\n  \"tags\": [{}]\n}\n",
		`{"tags":[1],"taskDefinition":{"containerDefinitions":[{"name":"a"}]}}`,
		`{"tags":[1],"taskDefinition":{"containerDefinitions":[{}],"":0}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := taskdef.Strip(data)
		if err != nil {
			return
		}
		if !json.Valid(bytes.TrimPrefix(once, []byte("\uFEFF"))) {
			t.Fatalf("%q becomes %q", data, once)
		}
		if twice, err := taskdef.Strip(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q and then %q: %v", data, once, twice, err)
		}
	})
}
