package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/lint"
)

// A verdictCase is a check in a container. What it should come to is written nowhere: the
// engine says it.
type verdictCase struct {
	Image   string            // of verdictImages
	Test    yaml.Node         // as a Compose file has it: a string is for a shell
	Env     map[string]string // of the container
	User    string
	Dir     string    // in which the check runs
	Written yaml.Node // Test as a Compose file has it, where that differs
	Dotenv  map[string]string
	Checks  int // how often it has to pass; 0 is once
	// ReadOnly is whether the root file system is.
	ReadOnly bool `yaml:"read_only"`
}

// TestVerdicts holds what lint says of a check against what the engine makes of it: one
// that passes has no error, and one that does not is found.
func TestVerdicts(t *testing.T) {
	registry := os.Getenv("KOHEALTH_TEST_ENGINES")
	if registry == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to start the engines")
	}
	j := &verdicts{engine: newVerdictEngine(t, newVerdictImages(t, registry))}
	for _, file := range must(filepath.Glob(filepath.Join(topDir, "testdata", "engine", "verdicts", "*.yaml"))) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var cases []verdictCase
			if err := yaml.Unmarshal(data, &cases); err != nil {
				t.Fatal(err)
			}
			outcomes := j.compareAll(t, cases)
			t.Run("podman", func(t *testing.T) { j.podman(t, outcomes) })
			t.Run("fixes", func(t *testing.T) { j.fixes(t, outcomes) })
		})
	}
}

// verdicts compares verdicts.
type verdicts struct{ engine *verdictEngine }

// verdictSample is of how many cases one is run by the engine as a health check. The
// others are run as health checks are, in containers that are there.
const verdictSample = 12

// An verdictOutcome is what the engine makes of a case.
type verdictOutcome struct {
	verdictCase
	test    []string
	healthy bool
	log     string
}

func (j *verdicts) compareAll(t *testing.T, cases []verdictCase) []verdictOutcome {
	outcomes := make([]verdictOutcome, len(cases))
	var g errgroup.Group
	g.SetLimit(verdictWorkers)
	for i, c := range cases {
		run := j.engine.shared
		if i%verdictSample == 0 {
			run = j.engine.healthcheck
		}
		g.Go(func() error {
			test, err := c.test()
			if err != nil {
				return err
			}
			o := verdictOutcome{verdictCase: c, test: test}
			if o.healthy, o.log, err = run(t.Context(), c, test); err != nil {
				return fmt.Errorf("%s: %q: %w", c.Image, test, err)
			}
			outcomes[i] = o
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, together := range inFiles(outcomes) {
		j.compare(t, together)
	}
	return outcomes
}

// inFiles puts cases together that a file can hold: an image is looked into once for all
// containers of a task definition. What Compose makes of a check is up to each file.
func inFiles(outcomes []verdictOutcome) (files [][]verdictOutcome) {
	tasks := map[string][]verdictOutcome{}
	for _, o := range outcomes {
		if o.Written.Kind != 0 {
			files = append(files, []verdictOutcome{o})
		} else {
			tasks[o.Image] = append(tasks[o.Image], o)
		}
	}
	for _, image := range slices.Sorted(maps.Keys(tasks)) {
		files = append(files, tasks[image])
	}
	return files
}

// compare holds what lint finds in a file against what the engine made of its cases.
func (j *verdicts) compare(t *testing.T, outcomes []verdictOutcome) {
	findings, err := j.lint(t, outcomes)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		found, worst := "", lint.Info
		for _, f := range findings {
			if f.Container == containerName(i) {
				found += fmt.Sprintf("\n\t%s: %s [%s]", f.Severity, f.Message, f.Rule)
				worst = max(worst, f.Severity)
			}
		}
		switch {
		case o.healthy && worst == lint.Error:
			t.Errorf("%s: %q is healthy, and lint finds:%s", o.Image, o.test, found)
		case !o.healthy && found == "":
			t.Errorf("%s: %q is unhealthy, and lint finds nothing; it printed %q", o.Image, o.test, o.log)
		}
	}
}

func containerName(i int) string { return fmt.Sprintf("app-%d", i) }

// test returns the test as an image's config has it.
func (c verdictCase) test() (test []string, err error) {
	if c.Test.Kind == yaml.ScalarNode {
		return []string{"CMD-SHELL", c.Test.Value}, nil
	}
	err = c.Test.Decode(&test)
	return test, err
}

// environment returns the variables as NAME=VALUE.
func (c verdictCase) environment() []string {
	environment := []string{}
	for name, value := range c.Env {
		environment = append(environment, name+"="+value)
	}
	return environment
}

// lint lints checks as a user would: in a task definition, or one in a Compose file.
func (j *verdicts) lint(t *testing.T, outcomes []verdictOutcome) ([]lint.Finding, error) {
	dir, first := t.TempDir(), outcomes[0]
	file, image := filepath.Join(dir, "task-definition.json"), j.engine.images.ref(first.Image)
	definition := taskDefinition(image, outcomes)
	if first.Written.Kind != 0 {
		file, definition = filepath.Join(dir, "compose.yaml"), first.composeFile(image)
		var dotenv strings.Builder
		for name, value := range first.Dotenv {
			fmt.Fprintf(&dotenv, "%s=%s\n", name, value)
		}
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv.String()), 0o644); err != nil {
			return nil, err
		}
	}
	text, err := json.MarshalIndent(definition, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, err
	}
	l := &linter{options: lint.Options{Severity: lint.Warning}, images: images.Options{Name: []name.Option{name.Insecure}}}
	l.options.Open = l.open
	return l.lint(t.Context(), file)
}

type object = map[string]any

func taskDefinition(image string, outcomes []verdictOutcome) object {
	containers := []object{}
	for i, o := range outcomes {
		app := o.container(image, o.test)
		app["name"] = containerName(i)
		containers = append(containers, app)
	}
	return object{"family": "verdict", "requiresCompatibilities": []string{"FARGATE"}, "cpu": "256", "memory": "512", "networkMode": "awsvpc",
		"containerDefinitions": containers}
}

func (c verdictCase) container(image string, test []string) object {
	environment := []object{}
	for name, value := range c.Env {
		environment = append(environment, object{"name": name, "value": value})
	}
	app := object{"image": image, "essential": true, "portMappings": []object{{"containerPort": 8080}}, "environment": environment,
		"healthCheck": object{"command": test, "interval": 10, "timeout": 5, "retries": 3, "startPeriod": 10}}
	if c.User != "" {
		app["user"] = c.User
	}
	if c.Dir != "" {
		app["workingDirectory"] = c.Dir
	}
	if c.ReadOnly {
		app["readonlyRootFilesystem"] = true
	}
	return app
}

func (c verdictCase) composeFile(image string) object {
	var written any
	if err := c.Written.Decode(&written); err != nil {
		panic(err) // it was read from YAML
	}
	app := object{"image": image, "ports": []string{"8080:8080"}, "environment": c.environment(),
		"healthcheck": object{"test": written, "interval": "10s", "timeout": "5s", "retries": 3, "start_period": "10s"}}
	if c.User != "" {
		app["user"] = c.User
	}
	if c.Dir != "" {
		app["working_dir"] = c.Dir
	}
	if c.ReadOnly {
		app["read_only"] = true
	}
	return object{"services": object{containerName(0): app}}
}
