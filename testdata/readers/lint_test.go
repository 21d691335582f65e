package readers

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/coreos/go-systemd/v22/unit"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/rogpeppe/go-internal/txtar"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
)

// A linted is a file of lint's cases.
type linted struct {
	name   string
	data   []byte
	isGood bool // lint says nothing against it
}

// lintedFiles returns the files of lint's cases whose names match a pattern.
func lintedFiles(t *testing.T, pattern string) (files []linted) {
	t.Helper()
	for _, kind := range []string{"ok", "err"} {
		names, err := filepath.Glob(filepath.Join("..", "lint", kind, "*.txtar"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no cases: %v", err)
		}
		for _, name := range names {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range archive.Files {
				if ok, err := path.Match(pattern, path.Base(f.Name)); ok && err == nil {
					files = append(files, linted{f.Name, f.Data, kind == "ok"})
				}
			}
		}
	}
	if len(files) < 3 {
		t.Fatalf("%d files %s only", len(files), pattern)
	}
	return files
}

// containers returns what lint reads of a file.
func (f linted) containers(t *testing.T) (found []lint.Container) {
	t.Helper()
	_, err := lint.File(t.Context(), f.name, f.data, lint.Options{Read: func(_ lint.Format, read []lint.Container) { found = append(found, read...) }})
	if err != nil && f.isGood {
		t.Errorf("%s: %v", f.name, err)
	}
	return found
}

// same compares checks. Tests without words are the same, and so are options of 0 and none.
func same(t *testing.T, what string, want, got *health.Config) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-reader +lint):\n%s", what, diff)
	}
}

// TestDockerfiles has BuildKit read the Dockerfiles of lint's cases. The check of a stage is
// its last, or that of the stage that it begins with.
func TestDockerfiles(t *testing.T) {
	for _, f := range lintedFiles(t, "*erfile") {
		parsed, err := parser.Parse(bytes.NewReader(f.data))
		var stages []instructions.Stage
		if err == nil {
			stages, _, err = instructions.Parse(parsed.AST, nil)
		}
		if err != nil {
			if f.isGood {
				t.Errorf("%s: %v", f.name, err)
			}
			continue
		}
		found := f.containers(t)
		if len(found) == 0 {
			t.Errorf("%s: no stage is judged", f.name)
		}
		for _, c := range found {
			i := slices.IndexFunc(stages, func(s instructions.Stage) bool { return s.Location[0].Start.Line == c.Line })
			if i < 0 {
				t.Errorf("%s: no stage begins at line %d", f.name, c.Line)
				continue
			}
			same(t, f.name+" "+c.Name, stageCheck(stages, i), c.Check)
		}
	}
}

func stageCheck(stages []instructions.Stage, i int) (check *health.Config) {
	if parent, ok := instructions.HasStage(stages[:i], stages[i].BaseName); ok {
		check = stageCheck(stages, parent)
	}
	for _, command := range stages[i].Commands {
		if h, ok := command.(*instructions.HealthCheckCommand); ok {
			check = &health.Config{Test: h.Health.Test, Interval: h.Health.Interval, Timeout: h.Health.Timeout,
				StartPeriod: h.Health.StartPeriod, StartInterval: h.Health.StartInterval, Retries: h.Health.Retries}
		}
	}
	return check
}

// TestUnits has systemd's syntax read for the Quadlet units of lint's cases, and Podman's for
// their commands.
func TestUnits(t *testing.T) {
	for _, f := range lintedFiles(t, "*.container") {
		options, err := unit.DeserializeOptions(bytes.NewReader(withoutComments(f.data)))
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		values := map[string]string{"HealthInterval": "0s", "HealthTimeout": "0s", "HealthStartPeriod": "0s", "HealthRetries": "0"}
		for _, o := range options {
			if o.Section == "Container" {
				values[o.Name] = unitValue(o.Value)
			}
		}
		want := &health.Config{Test: unitTest(values["HealthCmd"])}
		want.Retries, err = strconv.Atoi(values["HealthRetries"])
		if err := errors.Join(err, durations(want, values["HealthInterval"], values["HealthTimeout"], values["HealthStartPeriod"])); err != nil {
			if f.isGood {
				t.Errorf("%s: %v", f.name, err)
			}
			continue
		}
		found := f.containers(t)
		if len(found) != 1 {
			t.Errorf("%s: %d containers", f.name, len(found))
			continue
		}
		same(t, f.name, want, found[0].Check)
	}
}

// withoutComments leaves out comments, which systemd takes within a value that goes on, and
// this reader does not.
func withoutComments(data []byte) []byte {
	return regexp.MustCompile(`(?m)^[#;].*\n`).ReplaceAll(data, nil)
}

// unitValue is a value as Quadlet gets it: of one line, without quotes around it.
func unitValue(value string) string {
	var b strings.Builder
	for _, line := range strings.Split(value, "\n") {
		b.WriteString(strings.TrimSuffix(strings.TrimSpace(line), `\`))
	}
	if text := b.String(); strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
		return text[1 : len(text)-1]
	}
	return strings.ReplaceAll(b.String(), "%n", "\uFFFC")
}

// unitTest reads a HealthCmd as Podman does: what is of no form that podmanTest knows is for
// the shell, but for a list with CMD, which old versions split.
func unitTest(command string) []string {
	test, err := podmanTest(command)
	var list []string
	switch {
	case json.Unmarshal([]byte(command), &list) == nil && len(list) > 1 && list[0] == "CMD":
		return list
	case command == "none":
		return []string{"NONE"}
	case err != nil:
		return []string{"CMD-SHELL", command}
	}
	return test
}

// TestPodsAsRead decodes the manifests of lint's cases as an API server does, and compares
// their probes and hooks.
func TestPodsAsRead(t *testing.T) {
	compared := 0
	for _, f := range lintedFiles(t, "*.yaml") {
		if !bytes.HasPrefix(f.data, []byte("apiVersion")) || f.name == "templated.yaml" {
			continue
		}
		want, err := probesIn(f.data)
		if errors.Is(err, errors.ErrUnsupported) { // a tool's own object, or a list
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		var got []lint.Container
		for _, c := range f.containers(t) {
			if c.Part != "" && c.Check != nil {
				got = append(got, lint.Container{Name: c.Name, Part: c.Part, Check: c.Check})
			}
		}
		compared += len(got)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-API server +lint):\n%s", f.name, diff)
		}
	}
	if compared < 10 {
		t.Errorf("%d probes only", compared)
	}
}

// probesIn returns the probes and hooks of a manifest.
func probesIn(manifest []byte) (found []lint.Container, err error) {
	for _, doc := range strings.Split("\n"+string(manifest), "\n---\n") {
		object, err := decoded(doc)
		if err != nil {
			return nil, err
		}
		found = append(found, probesOf(podOf(object))...)
	}
	return found, nil
}

// podOf returns what an object makes pods of, or nil.
func podOf(object any) *corev1.PodSpec {
	switch object := object.(type) {
	case *corev1.Pod:
		return &object.Spec
	case *appsv1.Deployment:
		return &object.Spec.Template.Spec
	case *appsv1.StatefulSet:
		return &object.Spec.Template.Spec
	case *batchv1.CronJob:
		return &object.Spec.JobTemplate.Spec.Template.Spec
	}
	return nil
}

// probesOf returns a pod's probes and hooks that run commands.
func probesOf(pod *corev1.PodSpec) (found []lint.Container) {
	if pod == nil {
		return nil
	}
	always := slices.DeleteFunc(slices.Clone(pod.InitContainers), func(c corev1.Container) bool {
		return c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways
	})
	for _, c := range append(always, pod.Containers...) {
		add := func(part string, exec *corev1.ExecAction, p corev1.Probe) {
			if exec == nil || len(exec.Command) == 0 {
				return
			}
			check := &health.Config{Test: append([]string{"CMD"}, exec.Command...), Interval: time.Duration(p.PeriodSeconds) * time.Second,
				Timeout: time.Duration(p.TimeoutSeconds) * time.Second, Retries: int(p.FailureThreshold)}
			for i, word := range check.Test[1:] {
				if !strings.HasPrefix(part, "p") { // probes' references are replaced, hooks' are not
					check.Test[i+1] = replaced(word, c.Env)
				}
			}
			found = append(found, lint.Container{Name: c.Name, Part: part, Check: check})
		}
		for _, probe := range []struct {
			part string
			*corev1.Probe
		}{{"startupProbe", c.StartupProbe}, {"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}} {
			if probe.Probe != nil {
				add(probe.part, probe.Exec, *probe.Probe)
			}
		}
		if c.Lifecycle != nil && c.Lifecycle.PostStart != nil {
			add("postStart", c.Lifecycle.PostStart.Exec, corev1.Probe{})
		}
		if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
			add("preStop", c.Lifecycle.PreStop.Exec, corev1.Probe{})
		}
	}
	return found
}

// replaced does to a word of a probe what the kubelet does, which knows what env says.
func replaced(word string, env []corev1.EnvVar) string {
	values := map[string]string{}
	for _, v := range env {
		values[v.Name] = v.Value
	}
	return kubeReference.ReplaceAllStringFunc(word, func(s string) string {
		if s == "$$" {
			return "$"
		}
		if value, ok := values[s[2:len(s)-1]]; ok {
			return value
		}
		return s
	})
}

// kubeReference matches what the kubelet replaces in a word, from the left.
var kubeReference = regexp.MustCompile(`\$\$|\$\([^)]*\)`)

// TestPlans decodes the plans of lint's cases as Terraform's own types, and the definitions in
// them as ECS's.
func TestPlans(t *testing.T) {
	for _, f := range lintedFiles(t, "*.json") {
		if !bytes.Contains(f.data, []byte("planned_values")) {
			continue
		}
		var plan tfjson.Plan
		if err := json.Unmarshal(f.data, &plan); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		var want []lint.Container
		for _, definitions := range plannedDefinitions(plan.PlannedValues.RootModule) {
			for _, d := range definitions {
				c := lint.Container{Name: *d.Name, Image: *d.Image}
				if h := d.HealthCheck; h != nil {
					c.Check = &health.Config{Test: h.Command, Interval: inSeconds(h.Interval), Timeout: inSeconds(h.Timeout), StartPeriod: inSeconds(h.StartPeriod)}
					if h.Retries != nil {
						c.Check.Retries = int(*h.Retries)
					}
				}
				want = append(want, c)
			}
		}
		var got []lint.Container
		for _, c := range f.containers(t) {
			got = append(got, lint.Container{Name: c.Name, Image: c.Image, Check: c.Check})
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(got) == 0 {
			t.Errorf("%s (-Terraform's types +lint):\n%s", f.name, diff)
		}
		return
	}
	t.Error("there is no plan")
}

func inSeconds(n *int32) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

func plannedDefinitions(module *tfjson.StateModule) (all [][]types.ContainerDefinition) {
	for _, r := range module.Resources {
		var definitions []types.ContainerDefinition
		text, _ := r.AttributeValues["container_definitions"].(string)
		if r.Type == "aws_ecs_task_definition" && json.Unmarshal([]byte(text), &definitions) == nil {
			all = append(all, definitions)
		}
	}
	for _, child := range module.ChildModules {
		all = append(all, plannedDefinitions(child)...)
	}
	return all
}

// TestModules has Terraform's inspector load the Terraform files of lint's cases.
func TestModules(t *testing.T) {
	for _, f := range lintedFiles(t, "*.tf") {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, diags := tfconfig.LoadModule(dir)
		if f.isGood && diags.HasErrors() {
			t.Errorf("%s: %v", f.name, diags)
		}
		if len(f.containers(t)) > 0 && diags.HasErrors() {
			t.Errorf("lint judges %s, and Terraform says %v", f.name, diags)
		}
	}
}
