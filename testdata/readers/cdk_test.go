package readers

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/render"
)

// TestCDK compiles what is rendered with the TypeScript compiler, synthesizes it with
// the AWS CDK and reads the check in the template that comes out.
func TestCDK(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to install the compiler and the CDK")
	}
	modules := os.Getenv("KOHEALTH_TEST_CDK") // a directory in which package.json is installed
	if modules == "" {
		t.Fatal("KOHEALTH_TEST_CDK is not set")
	}
	checks := []health.Config{
		{Test: []string{"CMD", health.ProbePath}},
		{Test: []string{"CMD-SHELL", `curl "$URL" || exit 1`}, Interval: 300 * time.Second, Timeout: 60 * time.Second, Retries: 10, StartPeriod: 300 * time.Second},
		{Test: []string{"CMD", "it's", `"`, "`", `\`, `\n`, "\n\r\t", "${x}", "$${Token", "{{x}}", "\u2028\u0085\x01\x7f\ufeff", "🎉", "e\u0301", "", "*/", "//"}, Interval: 5 * time.Second, Timeout: 2 * time.Second, Retries: 1},
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.ts"), []byte(cdkApp(t, checks)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	node(t, dir, "node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "commonjs", "--skipLibCheck", "app.ts")
	node(t, dir, "app.js")
	compareTemplate(t, filepath.Join(dir, "out", "Stack.template.json"), checks)
}

// cdkApp returns a program with a container for each check.
func cdkApp(t *testing.T, checks []health.Config) string {
	var b strings.Builder
	b.WriteString("import { App, Duration, Stack } from 'aws-cdk-lib';\nimport * as ecs from 'aws-cdk-lib/aws-ecs';\n" +
		"const app = new App({ outdir: 'out' });\nconst stack = new Stack(app, 'Stack');\n" +
		"const task = new ecs.FargateTaskDefinition(stack, 'Task');\n")
	for i, check := range checks {
		out, err := render.As("cdk", render.Request{Check: check})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "task.addContainer('c%d', {\n  image: ecs.ContainerImage.fromRegistry('app'),\n%s});\n", i, indent(out.Text, "  "))
	}
	b.WriteString("app.synth();\n")
	return b.String()
}

func node(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func compareTemplate(t *testing.T, name string, checks []health.Config) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				ContainerDefinitions []struct{ HealthCheck json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		if r.Type != "AWS::ECS::TaskDefinition" {
			continue
		}
		for i, def := range r.Properties.ContainerDefinitions {
			got, err := readECS(`{"healthCheck":` + string(def.HealthCheck) + `}`)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected("cdk", checks[i]), got); diff != "" {
				t.Errorf("(-rendered +synthesized):\n%s", diff)
			}
		}
		return
	}
	t.Fatalf("no task definition in the template:\n%s", data)
}
