package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	if ratio := float64(len(one)) / float64(size); ratio > 1.3 {
		t.Errorf("kohealth is %.2f times as big as ko", ratio)
	}
}

// releaseTree returns a clean clone of what is to be committed here, at tag v1.2.3.
func releaseTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range strings.Split(strings.TrimSpace(runIn(t, topDir, "git", "ls-files", "--cached", "--others", "--exclude-standard")), "\n") {
		data, err := os.ReadFile(filepath.Join(topDir, file))
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
