package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/action"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// TestWorkflows checks the workflows: the repository's and the documents'.
func TestWorkflows(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to install actionlint")
	}
	files, err := filepath.Glob(filepath.Join(topDir, ".github", "workflows", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %v, %v", files, err)
	}
	for _, name := range guides(t) {
		for i, block := range blocks(t, name, "yml") {
			file := filepath.Join(t.TempDir(), fmt.Sprintf("%s%d.yml", filepath.Base(name), i))
			if err := os.WriteFile(file, []byte(block), 0o644); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	if out, err := exec.Command("actionlint", files...).CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}
}

// An actionFile is what action.yml holds.
type actionFile struct {
	Inputs, Outputs yaml.Node
	Runs            struct {
		Steps []struct{ ID, Run string }
	}
}

// described returns names, descriptions and defaults, in the order of the file.
func described(t *testing.T, node yaml.Node) (list [][3]string) {
	t.Helper()
	for i := 0; i < len(node.Content); i += 2 {
		var value struct{ Description, Default string }
		if err := node.Content[i+1].Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, [3]string{node.Content[i].Value, value.Description, value.Default})
	}
	return list
}

func readAction(t *testing.T) (f actionFile) {
	t.Helper()
	if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(topDir, "action.yml"))), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// testActionTables checks that the action's inputs and outputs are listed.
func testActionTables(t *testing.T) {
	f := readAction(t)
	inputs := "| input | | default |\n| --- | --- | --- |\n"
	for _, input := range described(t, f.Inputs) {
		byDefault := ""
		if input[2] != "" {
			byDefault = "`" + input[2] + "`"
		}
		inputs += fmt.Sprintf("| `%s` | %s | %s |\n", input[0], input[1], byDefault)
	}
	checkSection(t, "inputs", inputs)
	outputs := "| output | |\n| --- | --- |\n"
	for _, output := range described(t, f.Outputs) {
		outputs += fmt.Sprintf("| `%s` | %s |\n", output[0], output[1])
	}
	checkSection(t, "outputs", outputs)
}

// TestActionInputs checks that action.yml has the inputs that kohealth knows, which
// include its own flags, and the outputs that it sets.
func TestActionInputs(t *testing.T) {
	f := readAction(t)
	known := action.Inputs()
	for _, flag := range pipeline.HealthFlagTable() {
		known[flag.Name] = nil
	}
	for _, input := range described(t, f.Inputs) {
		if _, ok := known[input[0]]; !ok {
			t.Errorf("input %s is not known to kohealth action", input[0])
		}
		delete(known, input[0])
	}
	for name := range known {
		t.Errorf("action.yml has no input %s", name)
	}
	var got, want []string
	for _, output := range described(t, f.Outputs) {
		want = append(want, output[0])
	}
	r := action.Result{Metadata: pipeline.Metadata{Images: make([]pipeline.ImageMetadata, 1)}}
	for _, output := range must(r.Outputs()) {
		got = append(got, output.Name)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("outputs are %v, action.yml has %v", got, want)
	}
}

// TestActionOneStream checks that the runner reads what kohealth prints in the order in
// which it is printed: of two streams it may read a line before the one that has it take
// no more commands.
func TestActionOneStream(t *testing.T) {
	for _, step := range readAction(t).Runs.Steps {
		if step.ID == "build" && step.Run != "exec kohealth action 2>&1" {
			t.Errorf("the step that builds runs %s", step.Run)
		}
	}
}
