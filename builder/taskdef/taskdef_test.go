package taskdef_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/builder/taskdef"
)

func check() *render.ECSHealthCheck {
	return &render.ECSHealthCheck{Command: []string{"CMD", "/usr/bin/healthcheck", "http://:8080/?a=1&b=\"<2>\""}, Interval: 10, Timeout: 3, Retries: 3, StartPeriod: 10}
}

const ref = "registry.example.com:5000/app@sha256:0123"

// edit puts ref and check into every container.
func edit(data []byte) ([]byte, error) {
	f, err := taskdef.Parse(data)
	if err != nil {
		return nil, err
	}
	var changes []taskdef.Change
	for _, c := range f.Containers {
		changes = append(changes, taskdef.Change{Container: c, Image: ref, Check: check()})
	}
	edited, err := f.Edit(changes)
	if err != nil {
		return nil, err
	}
	return edited.Data, nil
}

// TestEdit edits and strips the files of testdata/taskdef; UPDATE=1 rewrites what comes
// out.
func TestEdit(t *testing.T) {
	names, err := filepath.Glob("../../testdata/taskdef/*.txtar")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			in, want := archive.Files[0].Data, &archive.Files[1]
			convert := edit
			if want.Name == "stripped" {
				convert = taskdef.Strip
			}
			got, err := convert(in)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("UPDATE") != "" {
				want.Data = got
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What txtar cannot hold: ends of lines, byte order marks, files of one line.
func TestEditBytes(t *testing.T) {
	const task = "{\"containerDefinitions\":[{\"image\":%s,\"cpu\":1e2}]}"
	const check = `{"command":["CMD","/usr/bin/healthcheck","http://:8080/?a=1&b=\"<2>\""],"interval":10,"timeout":3,"retries":3,"startPeriod":10}`
	in := fmt.Sprintf(task, `"x"`)
	out := fmt.Sprintf(task, `"`+ref+`","healthCheck":`+check)
	spaced := strings.NewReplacer(",\"", ", \"", ":[", ": [", ":{", ": {", "\":", "\": ", ": [", ": [", ": {", ": {", "  ", " ")
	for name, tt := range map[string][2]string{
		"compact":          {in, out},
		"byte order mark":  {"\uFEFF" + in + "\n", "\uFEFF" + out + "\n"},
		"spaced":           {spaced.Replace(in), spaced.Replace(out)},
		"null check":       {strings.Replace(in, `,"cpu"`, `,"healthCheck":null,"cpu"`, 1), out},
		"no check in JSON": {strings.Replace(in, `,"cpu"`, `,"healthCheck":{"Ref":"AWS::NoValue"},"cpu"`, 1), out},
		"no check in YAML": {
			"containerDefinitions:\n- image: x\n  healthCheck: !Ref AWS::NoValue # none\n  cpu: 1\n",
			"containerDefinitions:\n- image: " + ref + "\n  healthCheck: {command: [\"CMD\", \"/usr/bin/healthcheck\", \"http://:8080/?a=1&b=\\\"<2>\\\"\"], interval: 10, timeout: 3, retries: 3, startPeriod: 10} # none\n  cpu: 1\n",
		},
		"not UTF-8 is refused": {"{\"a\":\"\xff\"}", ""},
		"CR LF": {
			"Resources:\r\n  T:\r\n    Type: AWS::ECS::TaskDefinition\r\n    Properties:\r\n      ContainerDefinitions:\r\n        - Name: app # it\r\n          Image: ko://x # is built\r\n",
			"Resources:\r\n  T:\r\n    Type: AWS::ECS::TaskDefinition\r\n    Properties:\r\n      ContainerDefinitions:\r\n        - Name: app # it\r\n          Image: " + ref + " # is built\r\n" +
				"          HealthCheck:\r\n            Command: [\"CMD\", \"/usr/bin/healthcheck\", \"http://:8080/?a=1&b=\\\"<2>\\\"\"]\r\n            Interval: 10\r\n            Timeout: 3\r\n            Retries: 3\r\n            StartPeriod: 10\r\n",
		},
	} {
		got, err := edit([]byte(tt[0]))
		if (err != nil) != (tt[1] == "") {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(tt[1], string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestChecked checks which containers have a check of their own.
func TestChecked(t *testing.T) {
	for value, want := range map[string]bool{
		"null": false, "!Ref AWS::NoValue": false, "{Ref: AWS::NoValue}": false,
		"{command: [CMD, x]}": true, "!Ref Check": true, "!If [a, {command: [CMD, x]}, !Ref AWS::NoValue]": true,
	} {
		f, err := taskdef.Parse([]byte("containerDefinitions:\n- image: x\n  healthCheck: " + value + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Containers[0].Checked; got != want {
			t.Errorf("healthCheck: %s is a check: %t, want %t", value, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"comma", "{\n  \"containerDefinitions\": [,]}", "2:28: "},
		{"nothing", "{}", "neither an ECS task definition"},
		{"empty", "", "neither an ECS task definition"},
		{"Compose", "services: {a: {image: x}}", "neither an ECS task definition"},
		{"no container", `{"containerDefinitions": []}`, "1:1: there are no container definitions"},
		{"no task definition", "Resources: {B: {Type: AWS::S3::Bucket}}", "1:1: there are no container definitions"},
		{"names", `{"containerDefinitions": [{"name": "a"}, {"name": "a"}]}`, `1:51: another container is named "a", too`},
		{"elsewhere", "{\"containerDefinitions\": [{\"image\": \"x\",\n\"environment\": [{\"name\": \"IMAGE\", \"value\": \"ko://a/b\"}]}]}", "2:44: ko://a/b is not the image of a container"},
		{"in a function", "containerDefinitions:\n- image: !If [a, 'ko://a/b', c]", "2:18: ko://a/b is not the image"},
		{"in a substitution", "containerDefinitions:\n- image: !Sub ko://a/b", "2:10: ko://a/b is not the image"},
		{"an object", `{"containerDefinitions": [{"image": {"Fn::Sub": "ko://a/b"}}]}`, "1:49: ko://a/b is not the image"},
		{"second document", "containerDefinitions: [{image: ko://a/b}]\n---\na: 1\n", "a second YAML document"},
		{"anchor", "containerDefinitions:\n- image: &a ko://a/b\n- image: *a\n", "2:10: cannot edit this value"},
		{"alias", "a: &a\n- image: x\ncontainerDefinitions: *a\n", "2:10: cannot edit this value"},
		{"used twice", "containerDefinitions: &a\n- image: x\nb: *a\n", "2:10: cannot edit this value"},
		{"merged", "a: &a\n  image: x\ncontainerDefinitions:\n- <<: *a\n  name: b\n", "2:10: cannot edit this value"},
		{"several lines", "containerDefinitions:\n- image: >-\n    x\n", "2:10: cannot edit this value"},
		{"large", strings.Repeat(" ", 100<<20), "more than 2 MiB"},
		{"deep", `{"containerDefinitions":` + strings.Repeat("[", 1000), "more than 200"},
		{"UTF-16", "\xff\xfea\x00", "it is not UTF-8"},
	} {
		out, err := edit([]byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %s, error %v, want one with %q", tt.name, out, err, tt.want)
		}
		var at *doctree.Error
		if strings.Contains(tt.want, ": ") && !errors.As(err, &at) {
			t.Errorf("%s: no place in %v", tt.name, err)
		}
	}
	for _, in := range []string{"containerDefinitions: [{image: a}]", `{"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Image": "x"}]}}}}`} {
		if out, err := taskdef.Strip([]byte(in)); err == nil || !strings.Contains(err.Error(), "can be stripped") {
			t.Errorf("%s stripped: %s, %v", in, out, err)
		}
	}
}

// Places in an edited file are told as those of the file.
func TestOrigin(t *testing.T) {
	f, err := taskdef.Parse([]byte("\uFEFF{\"containerDefinitions\": [\n  {\n    \"image\": \"ü\",\n    \"cpu\": 1}]}"))
	if err != nil {
		t.Fatal(err)
	}
	edited, err := f.Edit([]taskdef.Change{{Container: f.Containers[0], Image: ref, Check: check()}})
	if err != nil {
		t.Fatal(err)
	}
	end := 14 + len(ref) + len(`""`) // of the new image, behind which the check is put
	for _, tt := range [][4]int{{0, 0, 0, 0}, {1, 3, 1, 3}, {3, 14, 3, 14}, {3, end - 1, 3, 14}, {3, end, 3, 17}, {4, 5, 3, 17}, {6, 9, 3, 17}, {11, 12, 4, 12}, {11, 15, 4, 15}} {
		in, want := doctree.Pos{Line: tt[0], Column: tt[1]}, doctree.Pos{Line: tt[2], Column: tt[3]}
		if got := edited.Origin(in); got != want {
			t.Errorf("%v comes from %v, want %v", in, got, want)
		}
	}
}

// TestCheckOfTemplates checks that what CloudFormation would replace is refused in templates,
// and in templates only.
func TestCheckOfTemplates(t *testing.T) {
	config := health.Config{Test: []string{"CMD", "{{resolve:ssm:x}}"}, Timeout: 2 * time.Second}
	for text, ok := range map[string]bool{
		`{"containerDefinitions": [{"image": "a"}]}`: true,
		`{"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Image": "a"}]}}}}`: false,
	} {
		f, err := taskdef.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Check(config); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
