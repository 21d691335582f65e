package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestRelease builds a release twice, in two directories, as .goreleaser.yaml says and
// `make build` does, and checks that both are the same, that the tag is the version, and
// that the binary is not much bigger than ko's. It needs git, and compiles everything anew.
func TestRelease(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: make test says what it leaves out")
	}
	first, second := releaseTree(t), releaseTree(t)
	for _, dir := range []string{first, second} {
		runIn(t, dir, "make", "build")
	}
	binary := filepath.Join(first, "out", "kohealth")
	one, two := must(os.ReadFile(binary)), must(os.ReadFile(filepath.Join(second, "out", "kohealth")))
	if !bytes.Equal(one, two) {
		t.Error("two builds of one commit differ")
	}
	if got := runIn(t, first, binary, "version"); !strings.HasPrefix(got, "kohealth v1.2.3\n") {
		t.Errorf("the version of a build of tag v1.2.3 is: %s", got)
	}

	ko := filepath.Join(t.TempDir(), "ko")
	runIn(t, first, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", ko, "github.com/google/ko")
	size := must(os.Stat(ko)).Size()
	t.Logf("kohealth %d bytes, ko %d bytes", len(one), size)
	if ratio := float64(len(one)) / float64(size); ratio > 1.15 {
		t.Errorf("kohealth is %.2f times as big as ko", ratio)
	}
}

// TestReleaseAction runs the step of the release workflow that has the action install
// the release. It needs git.
func TestReleaseAction(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: make test says what it leaves out")
	}
	var workflow struct {
		Jobs struct {
			Release struct{ Steps []struct{ Name, Run string } }
		}
	}
	if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(root, ".github", "workflows", "release.yml"))), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs.Release.Steps
	step := steps[len(steps)-1]
	if step.Name != "Have the action install it" {
		t.Fatalf("the last step is %q", step.Name)
	}

	origin := releaseTree(t)
	runIn(t, origin, "git", "tag", "v1", "HEAD") // of an earlier release
	dir := t.TempDir()
	runIn(t, dir, "git", "clone", "--quiet", origin, ".")
	runIn(t, dir, "git", "checkout", "--quiet", "--detach", "v1.2.3")
	sums := strings.Repeat("0", 64) + "  kohealth_1.2.3_linux_amd64.tar.gz\n"
	if err := os.Mkdir(filepath.Join(dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dist", "checksums.txt"), []byte(sums), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VERSION", "v1.2.3")
	runIn(t, dir, "bash", "-euo", "pipefail", "-c", step.Run)

	if got := runIn(t, origin, "git", "show", "v1:action/checksums.txt"); got != sums {
		t.Errorf("v1 has the checksums %q", got)
	}
	if got := runIn(t, origin, "git", "diff", "--name-only", "v1.2.3", "v1"); got != "action/checksums.txt\n" {
		t.Errorf("v1 differs from v1.2.3 in %q", got)
	}
	if got := runIn(t, origin, "git", "diff", "--name-only", "v1.2.3", "HEAD"); got != "" {
		t.Errorf("the branch differs from v1.2.3 in %q", got)
	}
}

// releaseTree returns a clean clone of what is to be committed here, at tag v1.2.3.
func releaseTree(t *testing.T) string {
	t.Helper()
	root := filepath.Join("..", "..")
	dir := t.TempDir()
	for _, file := range strings.Split(strings.TrimSpace(runIn(t, root, "git", "ls-files", "--cached", "--others", "--exclude-standard")), "\n") {
		data, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runIn(t, dir, "git", "init", "--quiet")
	runIn(t, dir, "git", "add", "--all")
	runIn(t, dir, "git", "commit", "--quiet", "--message=release")
	runIn(t, dir, "git", "tag", "v1.2.3")
	return dir
}

// runIn returns what a program prints to stdout that runs in dir.
func runIn(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=true",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}
