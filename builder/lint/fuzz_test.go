package lint_test

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/lint"
)

// fuzzReader fuzzes the reader of files that have a name.
func fuzzReader(f *testing.F, name string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	img, err := describe("config {\"Env\": [\"A=1\"]}\nlayer\n/bin/ 0755\n/bin/sh elf amd64")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkPlaces(t, name, data, img) })
}

// checkPlaces lints a file whose images are all the same, and checks that findings are in the
// file.
func checkPlaces(t *testing.T, name string, data []byte, img v1.Image) {
	lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1 +
		strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029") // YAML's
	open := func(context.Context, string, v1.Platform) (v1.Image, error) { return img, nil }
	found, _ := lint.File(t.Context(), name, data, lint.Options{Open: open, Tell: func(string) {}})
	for _, finding := range found {
		if finding.Line < 1 || finding.Line > lines || finding.Column < 1 {
			t.Errorf("%+v is not in the file's %d lines", finding, lines)
		}
	}
}

func FuzzDockerfile(f *testing.F) {
	fuzzReader(f, "Dockerfile",
		"ARG V=1\nFROM a:$V AS b\nSHELL [\"/bin/bash\", \"-c\"]\nHEALTHCHECK --interval=1s CMD curl localhost\nFROM b\nCOPY --from=b /x /bin/\nUSER 1\n",
		"# escape=`\nFROM a\nRUN <<EOF\ninstall\nEOF\nHEALTHCHECK --timeout=1s `\n  CMD [\"x\"]\nONBUILD HEALTHCHECK NONE\n")
}

func FuzzTerraform(f *testing.F) {
	fuzzReader(f, "main.tf",
		"locals { c = [{ name = \"a\", healthCheck = { command = [\"CMD\", var.x], interval = 1 } }] }\nresource \"aws_ecs_task_definition\" \"a\" {\n  container_definitions = jsonencode(local.c)\n}\n",
		"resource \"aws_ecs_task_definition\" \"a\" {\n  container_definitions = <<E\n[{\"name\": \"${x}\", \"healthCheck\": {\"command\": [\"CMD-SHELL\", \"%{if y}a%{endif}\"]}}]\nE\n}\n",
		"module \"m\" {\n  container_definitions = { a = { health_check = { command = [\"x\"] } } }\n}\n")
}

func FuzzTerraformPlan(f *testing.F) {
	fuzzReader(f, "plan.json", `{"format_version": "1", "planned_values": {"root_module": {"resources": [{"type": "aws_ecs_task_definition", "address": "a", "values": {"container_definitions": "[{\"name\": \"a\", \"healthCheck\": {\"command\": [\"x\"]}}]", "runtime_platform": [{"cpu_architecture": "ARM64"}]}}], "child_modules": [{"resources": []}]}}}`)
}

func FuzzQuadlet(f *testing.F) {
	fuzzReader(f, "a.container",
		"[Container]\nImage=a\nHealthCmd=[\"CMD\", \"x\"]\nHealthInterval=1s\n; no\nEnvironment=A=1 'B=2 3'\nVolume=/x:/bin\n",
		"[Unit]\n[Container]\nHealthCmd=curl \\\n# between\n  localhost\nMount=type=bind,dst=/x\nUser=1\n")
}

func FuzzNomad(f *testing.F) {
	fuzzReader(f, "a.nomad", "job \"a\" {\n  group \"g\" {\n    service {\n      task = \"t\"\n      check {\n        type = \"script\"\n        command = \"curl\"\n        args = [\"${X}\"]\n      }\n    }\n    task \"t\" {\n      driver = \"docker\"\n      config { image = \"a\" }\n      env { A = 1 }\n    }\n  }\n}\n")
}

func FuzzCopilot(f *testing.F) {
	fuzzReader(f, "manifest.yml", "name: a\ntype: Backend Service\nimage:\n  location: a\n  healthcheck: {command: [CMD, x], interval: 10s}\nsidecars:\n  b: {image: c, essential: false, healthcheck: {command: x}}\nvariables: {A: 1}\nplatform: linux/arm64\n")
}

func FuzzInspect(f *testing.F) {
	fuzzReader(f, "inspect.json", `[{"Id": "1", "Name": "/a", "State": {}, "Config": {"Image": "a", "Env": ["A=1"], "Healthcheck": {"Test": ["CMD-SHELL", "curl x"], "Interval": 1}}, "Mounts": [{"Destination": "/bin"}]}, {"Id": "2", "RepoTags": ["a"], "Config": {"Healthcheck": {"Test": ["NONE"]}}}]`)
}

func FuzzKo(f *testing.F) {
	fuzzReader(f, ".ko.yaml",
		"healthcheck:\n  test: curl localhost || exit 1\n  tool: busybox\nbuilds:\n- id: a\n  healthcheck: {test: [CMD, curl], interval: 1s, ignore: [no-shell]}\n",
		"defaultBaseImage: a\nBuilds: [{main: ./x, Healthcheck: {disable: true}}]\nx-a: &a {test: http://:80}\nhealthcheck: {<<: *a}\n")
}

func FuzzKubernetes(f *testing.F) {
	fuzzReader(f, "pod.yaml",
		"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: a\n    env: [{name: A, value: $(B)}]\n    livenessProbe: {exec: {command: [sh, -c, \"curl $(A)\"]}, timeoutSeconds: 1}\n    readinessProbe: {httpGet: {port: http}}\n    lifecycle: {preStop: {exec: {command: [sleep, 1]}}}\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}}\n---\napiVersion: v1\nkind: ConfigMap\ndata: {A: b}\n")
}

// FuzzRun fuzzes commands of words that are separated by NUL.
func FuzzRun(f *testing.F) {
	for _, seed := range []string{"--health-cmd=curl localhost\x00-e\x00A=1\x00a", "-dit\x00-p80:80\x00--health-interval\x001s\x00--\x00a\x00b", "--mount=dst=/x\x00-u1\x00--tmpfs=/y:z\x00--entrypoint\x00[\"a\"]\x00a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, words string) {
		for _, engine := range []string{"docker", "podman"} {
			found, _ := lint.RunLine(t.Context(), append([]string{engine, "run"}, strings.Split(words, "\x00")...), lint.Options{})
			for _, finding := range found {
				if finding.Line != 0 {
					t.Errorf("%+v has a line", finding)
				}
			}
		}
	})
}
