package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	moby "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
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
}

// TestVerdicts holds what lint says of a check against what the engine makes of it: one
// that passes has no error, and one that does not is found.
func TestVerdicts(t *testing.T) {
	registry := os.Getenv("KOHEALTH_TEST_ENGINES")
	if registry == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to start the engines")
	}
	data, err := os.ReadFile(filepath.Join(topDir, "testdata", "engine", "verdicts", "cases.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []verdictCase
	if err := yaml.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	j := &verdicts{images: makeVerdictImages(t, registry)}
	if j.docker, err = client.New(client.FromEnv); err != nil {
		t.Fatal(err)
	}
	defer j.docker.Close()
	var g errgroup.Group
	g.SetLimit(12)
	for _, c := range cases {
		g.Go(func() error {
			wrong, err := j.compare(t, c)
			if wrong != "" {
				t.Error(wrong)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// verdicts compares verdicts.
type verdicts struct {
	docker *client.Client
	images map[string]string // references by name
}

// compare returns what is wrong about a case, or nothing.
func (j *verdicts) compare(t *testing.T, c verdictCase) (string, error) {
	test, err := c.test()
	if err != nil {
		return "", err
	}
	what := fmt.Sprintf("%s: %q", c.Image, test)
	healthy, log, err := j.run(t.Context(), c, test)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	findings, err := j.lint(t, c, test)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	var found []string
	errors := 0
	for _, f := range findings {
		found = append(found, fmt.Sprintf("\n\t%s: %s [%s]", f.Severity, f.Message, f.Rule))
		if f.Severity == lint.Error {
			errors++
		}
	}
	switch {
	case healthy && errors > 0:
		return fmt.Sprintf("%s is healthy, and lint finds:%s", what, strings.Join(found, "")), nil
	case !healthy && len(found) == 0:
		return fmt.Sprintf("%s is unhealthy, and lint finds nothing; it printed %q", what, log), nil
	}
	return "", nil
}

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

// run runs the check until the engine calls it unhealthy, or has passed it a few times.
func (j *verdicts) run(ctx context.Context, c verdictCase, test []string) (healthy bool, log string, err error) {
	config := &moby.Config{
		Image: j.images[c.Image], User: c.User, WorkingDir: c.Dir,
		Healthcheck: &moby.HealthConfig{Test: test, Interval: time.Second, Timeout: 5 * time.Second, Retries: 2},
	}
	config.Env = c.environment()
	created, err := j.docker.ContainerCreate(ctx, client.ContainerCreateOptions{Config: config, HostConfig: &moby.HostConfig{NetworkMode: "none"}})
	if err != nil {
		return false, "", err
	}
	defer func() {
		_, removed := j.docker.ContainerRemove(context.WithoutCancel(ctx), created.ID, client.ContainerRemoveOptions{Force: true})
		if err == nil {
			err = removed
		}
	}()
	if _, err := j.docker.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		return false, "", err
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		seen, err := j.docker.ContainerInspect(ctx, created.ID, client.ContainerInspectOptions{})
		if err != nil {
			return false, "", err
		}
		health := seen.Container.State.Health
		if health == nil {
			return false, "", fmt.Errorf("the engine does not check: %s", seen.Container.State.Status)
		}
		for _, r := range health.Log {
			log = r.Output
		}
		switch {
		case health.Status == moby.Unhealthy:
			return false, log, nil
		case health.Status == moby.Healthy && len(health.Log) >= c.Checks:
			return true, log, nil
		}
	}
	return false, "", fmt.Errorf("the engine has not judged")
}

// lint lints the check as a user would: in a task definition, or in a Compose file.
func (j *verdicts) lint(t *testing.T, c verdictCase, test []string) ([]lint.Finding, error) {
	dir := t.TempDir()
	file, definition := filepath.Join(dir, "task-definition.json"), c.taskDefinition(j.images[c.Image], test)
	if c.Written.Kind != 0 {
		file, definition = filepath.Join(dir, "compose.yaml"), c.composeFile(j.images[c.Image])
		var dotenv strings.Builder
		for name, value := range c.Dotenv {
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

func (c verdictCase) taskDefinition(image string, test []string) object {
	environment := []object{}
	for name, value := range c.Env {
		environment = append(environment, object{"name": name, "value": value})
	}
	app := object{"name": "app", "image": image, "essential": true, "portMappings": []object{{"containerPort": 8080}}, "environment": environment,
		"healthCheck": object{"command": test, "interval": 10, "timeout": 5, "retries": 3, "startPeriod": 10}}
	if c.User != "" {
		app["user"] = c.User
	}
	if c.Dir != "" {
		app["workingDirectory"] = c.Dir
	}
	return object{"family": "verdict", "requiresCompatibilities": []string{"FARGATE"}, "cpu": "256", "memory": "512", "networkMode": "awsvpc",
		"containerDefinitions": []object{app}}
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
	return object{"services": object{"app": app}}
}

// makeVerdictImages makes images that hold an app and, by name, a shell and tools as
// common bases have them, of this machine's own programs.
func makeVerdictImages(t *testing.T, registry string) map[string]string {
	t.Helper()
	m := &imageMaker{t, registry + "/verdicts", t.TempDir(), map[string]string{}}
	m.run(topDir, []string{"CGO_ENABLED=0"}, "go", "build", "-o", filepath.Join(m.dir, "app"), "./testdata/apps/verdict")
	m.plain("scratch")
	m.plain("alp")
	m.plain("slim", "dash", "bash", "grep", "mawk", "cat", "tr", "sed", "head")
	m.plain("gnu", "dash", "grep", "wget", "curl", "cat", "tr", "sed", "head")
	m.built()
	return m.refs
}

type imageMaker struct {
	*testing.T
	repository, dir string
	refs            map[string]string
}

func (m *imageMaker) run(dir string, env []string, program string, args ...string) string {
	m.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		m.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderrOf(err))
	}
	return strings.TrimSpace(string(out))
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}

// plain makes an image as a Dockerfile does.
func (m *imageMaker) plain(name string, programs ...string) {
	root := filepath.Join(m.dir, name)
	m.write(filepath.Join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
	m.write(filepath.Join(root, "opt/check.sh"), "#!/bin/sh\nexec wget -q -O /dev/null http://127.0.0.1:8080/healthz\n")
	m.write(filepath.Join(root, "opt/crlf.sh"), "#!/bin/sh\r\nexit 0\r\n")
	m.write(filepath.Join(root, "opt/plain.txt"), "ok\n")
	m.write(filepath.Join(root, "opt/bash.sh"), "#!/bin/bash\n[[ 1 == 1 ]]\n")
	m.check(os.Chmod(filepath.Join(root, "opt/plain.txt"), 0o644))
	m.check(os.MkdirAll(filepath.Join(root, "tmp"), 0o777), os.Chmod(filepath.Join(root, "tmp"), 0o1777), os.MkdirAll(filepath.Join(root, "usr/bin"), 0o755))
	m.run(m.dir, nil, "cp", filepath.Join(m.dir, "app"), filepath.Join(root, "app"))
	switch {
	case name == "alp":
		m.busybox(root)
	case len(programs) > 0:
		m.programs(root, programs)
	}
	m.write(filepath.Join(m.dir, name+".Dockerfile"), "FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nEXPOSE 8080\nENTRYPOINT [\"/app\"]\n")
	ref := m.repository + ":" + name
	m.run(m.dir, nil, "docker", "build", "-q", "-f", name+".Dockerfile", "-t", ref, root)
	m.run(m.dir, nil, "docker", "push", "-q", ref)
	m.refs[name] = ref
}

func (m *imageMaker) write(file, text string) {
	m.check(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755))
}

func (m *imageMaker) check(errs ...error) {
	m.Helper()
	for _, err := range errs {
		if err != nil {
			m.Fatal(err)
		}
	}
}

// busybox adds BusyBox with all its names, as Alpine has it.
func (m *imageMaker) busybox(root string) {
	program := must(exec.LookPath("busybox"))
	m.check(os.MkdirAll(filepath.Join(root, "bin"), 0o755))
	m.run(m.dir, nil, "cp", program, filepath.Join(root, "bin/busybox"))
	for _, applet := range strings.Fields(m.run(m.dir, nil, program, "--list")) {
		if applet != "busybox" {
			m.check(os.Symlink("/bin/busybox", filepath.Join(root, "bin", applet)))
		}
	}
}

// programs adds programs with their libraries. dash is the shell.
func (m *imageMaker) programs(root string, programs []string) {
	for _, p := range programs {
		file := must(filepath.EvalSymlinks(must(exec.LookPath(p))))
		m.run(m.dir, nil, "install", "-D", file, filepath.Join(root, "usr/bin", filepath.Base(file)))
		for _, library := range strings.Fields(m.run(m.dir, nil, "ldd", file)) {
			if filepath.IsAbs(library) {
				m.run(m.dir, nil, "install", "-D", must(filepath.EvalSymlinks(library)), root+library)
			}
		}
	}
	m.check(os.Symlink("dash", filepath.Join(root, "usr/bin/sh")), os.Symlink("usr/bin", filepath.Join(root, "bin")))
	if slices.Contains(programs, "mawk") {
		m.check(os.Symlink("mawk", filepath.Join(root, "usr/bin/awk")))
	}
}

// built makes the images of ko and of kohealth.
func (m *imageMaker) built() {
	program := filepath.Join(m.dir, "kohealth")
	m.run(topDir, nil, "go", "build", "-o", program, "./cmd/kohealth")
	for name, flags := range map[string][]string{
		"ko":       {"--no-healthcheck"},
		"kohealth": {"--health=http://:8080/healthz"},
		"auto":     {"--health=auto"},
	} {
		ref := m.repository + ":" + name
		env := []string{"KO_DOCKER_REPO=" + m.repository, "KO_DEFAULTBASEIMAGE=kohealth.local/static"}
		m.run(topDir, env, program, append([]string{"build", "--bare", "--tags=" + name, "./testdata/apps/verdict"}, flags...)...)
		m.run(m.dir, nil, "docker", "pull", "-q", ref)
		m.refs[name] = ref
	}
}
