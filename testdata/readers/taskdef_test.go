package readers

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/awslabs/goformation/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/taskdef"
)

// register decodes a task definition as ECS takes it, with no field that it does not
// know.
func register(t *testing.T, text []byte) ecs.RegisterTaskDefinitionInput {
	t.Helper()
	var input ecs.RegisterTaskDefinitionInput
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&input); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return input
}

// TestStrip strips a task definition that has every field that ECS tells: what is left
// are those that ECS takes.
func TestStrip(t *testing.T) {
	told := map[string]any{}
	var want []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[types.TaskDefinition]()) {
		if !f.IsExported() {
			continue
		}
		key := strings.ToLower(f.Name[:1]) + f.Name[1:]
		told[key] = reflect.Zero(f.Type).Interface()
		if _, ok := reflect.TypeFor[ecs.RegisterTaskDefinitionInput]().FieldByName(f.Name); ok {
			want = append(want, key)
		}
	}
	told["containerDefinitions"] = []map[string]any{{"name": "app"}}
	for name, value := range map[string]any{"bare": told, "described": map[string]any{"taskDefinition": told, "tags": []map[string]any{{"key": "team"}}}} {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		stripped, err := taskdef.Strip(text)
		if err != nil {
			t.Fatal(err)
		}
		input := register(t, stripped)
		if described := name == "described"; (len(input.Tags) == 1) != described || *input.ContainerDefinitions[0].Name != "app" {
			t.Errorf("%s: %s", name, stripped)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(stripped, &fields); err != nil {
			t.Fatal(err)
		}
		delete(fields, "tags")
		var got []string
		for key := range fields {
			got = append(got, key)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || len(want) < 15 {
			t.Errorf("%s (-taken +left):\n%s", name, diff)
		}
	}
}

// TestEdited reads what kohealth taskdef prints in its script.
func TestEdited(t *testing.T) {
	archive, err := txtar.ParseFile("../script/taskdef.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	app := register(t, files["registered.want"]).ContainerDefinitions[0]
	if hc := app.HealthCheck; !strings.Contains(*app.Image, "/web@sha256:") || hc.Command[1] != "/usr/bin/healthcheck" || *hc.Interval != 10 || *hc.StartPeriod != 10 {
		t.Errorf("%s is read as %+v", files["registered.want"], hc)
	}
	template, err := goformation.ParseYAML(files["packaged.want"])
	if err != nil {
		t.Fatal(err)
	}
	task, err := template.GetECSTaskDefinitionWithName("Task")
	if err != nil {
		t.Fatal(err)
	}
	c := task.ContainerDefinitions[0]
	if hc := c.HealthCheck; !strings.Contains(c.Image, "/web@sha256:") || hc == nil || hc.Command[1] != "/usr/bin/healthcheck" || hc.Interval != 10 || hc.Retries != 3 {
		t.Errorf("%s is read as %+v", files["packaged.want"], c)
	}
}
