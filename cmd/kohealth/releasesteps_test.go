package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// releaseStep returns the script of a step of the release workflow, by its name.
func releaseStep(t *testing.T, name string) string {
	t.Helper()
	var workflow struct {
		Jobs struct {
			Release struct {
				Steps []struct{ Name, Run string }
			}
		}
	}
	if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(topDir, ".github", "workflows", "release.yml"))), &workflow); err != nil {
		t.Fatal(err)
	}
	for _, step := range workflow.Jobs.Release.Steps {
		if step.Name == name {
			return step.Run
		}
	}
	t.Fatalf("the release workflow has no step %q", name)
	return ""
}

// A repo is a directory to run commands in, without the user's configuration of git.
type repo struct {
	t   *testing.T
	dir string
	env []string
}

// newRepo needs git and bash. Their absence is an error where everything is to be tested:
// .ci/run installs them.
func newRepo(t *testing.T) *repo {
	t.Helper()
	for _, tool := range []string{"git", "bash"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
			t.Skipf("%s is not installed: see .ci/run", tool)
		}
	}
	return &repo{t, t.TempDir(), append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")}
}

// try runs a script as the runner does and returns what it prints.
func (s *repo) try(script string) (string, error) {
	cmd := exec.Command("bash", "-e", "-c", script)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *repo) run(script string) string {
	s.t.Helper()
	out, err := s.try(script)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// clone returns a clone of a repository as actions/checkout makes it of a tag.
func (s *repo) clone(origin, tag string) *repo {
	s.t.Helper()
	c := &repo{s.t, s.t.TempDir(), append(slices.Clone(s.env), "VERSION="+tag)}
	c.run("git clone --quiet '" + origin + "' . && git checkout --quiet " + tag + "")
	return c
}

const commit = "git -c user.name=t -c user.email=t@example.com commit --quiet --message=m"

// newOrigin returns a repository with a release, v1.2.3, that main has gone on after.
func newOrigin(t *testing.T) *repo {
	t.Helper()
	s := newRepo(t)
	s.run(`git init --quiet --initial-branch=main && mkdir action &&
		echo old >action/checksums.txt && echo of the release >action.yml && git add . && ` + commit + ` && git tag v1.2.3 &&
		echo of no release >action.yml && ` + commit + ` action.yml && git checkout --quiet --detach`)
	return s
}

// TestReleaseInstalled checks that the tag v1 is a release with its checksums and
// nothing newer, that main stays as it is, and that this may be done again.
func TestReleaseInstalled(t *testing.T) {
	step := releaseStep(t, "Have the action install it")
	origin := newOrigin(t)
	var refs string
	for range 2 {
		c := origin.clone(origin.dir, "v1.2.3")
		c.run("mkdir dist && echo new >dist/checksums.txt")
		c.run(step)
		for file, want := range map[string]string{
			"v1:action.yml": "of the release", "v1:action/checksums.txt": "new",
			"main:action.yml": "of no release", "main:action/checksums.txt": "old",
		} {
			if got := origin.run("git show " + file); got != want {
				t.Errorf("%s holds %q, want %q", file, got, want)
			}
		}
		if got := origin.run("git show-ref"); refs == "" {
			refs = got
		} else if got != refs {
			t.Errorf("once again is something else:\n%s\n%s", refs, got)
		}
	}
}

// TestReleaseForward checks that no release is made after a newer one.
func TestReleaseForward(t *testing.T) {
	step := releaseStep(t, "Releases only go forward")
	origin := newOrigin(t)
	if out, err := origin.clone(origin.dir, "v1.2.3").try(step); err != nil {
		t.Errorf("the newest is refused: %v\n%s", err, out)
	}
	origin.run("git tag v1 && git tag v1.10.0-rc.1 && git tag v1.10.0")
	if out, err := origin.clone(origin.dir, "v1.10.0").try(step); err != nil {
		t.Errorf("the newest is refused: %v\n%s", err, out)
	}
	if _, err := origin.clone(origin.dir, "v1.2.3").try(step); err == nil {
		t.Error("an older one is made")
	}
}

// TestReleasePublished checks that what is published is not built again.
func TestReleasePublished(t *testing.T) {
	step := releaseStep(t, "Binaries")
	for answer, want := range map[string]string{
		"echo false":                         "gh release view v1.2.3 --json isDraft --jq .isDraft\ngh release download v1.2.3 --dir dist",
		"echo true":                          "gh release view v1.2.3 --json isDraft --jq .isDraft\ngoreleaser release --clean --release-notes=tmp/notes.md with token",
		"echo release not found >&2; exit 1": "gh release view v1.2.3 --json isDraft --jq .isDraft\ngoreleaser release --clean --release-notes=tmp/notes.md with token",
	} {
		s := newRepo(t)
		s.env = append(s.env, "VERSION=v1.2.3", "RUNNER_TEMP=tmp", "GITHUB_TOKEN=token", "PATH="+s.dir+":"+os.Getenv("PATH"))
		for name, script := range map[string]string{
			"gh":         "echo gh $* >>log\nif [ $2 = view ]; then " + answer + "; fi",
			"goreleaser": "echo goreleaser $* with $GITHUB_TOKEN >>log",
		} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		s.run(step)
		if got := s.run("cat log"); got != want {
			t.Errorf("after %s:\n%s\nwant\n%s", answer, got, want)
		}
	}
}

// TestReleaseConfig checks what goreleaser and its workflow have to agree in: it reads
// notes only where the changelog is not disabled, and its token from GITHUB_TOKEN; and of
// a run that failed it would leave a second draft.
func TestReleaseConfig(t *testing.T) {
	var config struct {
		Changelog struct{ Disable bool }
		Release   struct {
			Draft   bool
			Replace bool `yaml:"replace_existing_draft"`
		}
	}
	if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(topDir, ".goreleaser.yaml"))), &config); err != nil {
		t.Fatal(err)
	}
	if config.Changelog.Disable || !config.Release.Draft || !config.Release.Replace {
		t.Errorf("goreleaser's configuration: %+v", config)
	}
}

// TestSameBytes checks that git leaves line ends alone, where Windows has it make them
// Windows's: no shell there would take the action's scripts.
func TestSameBytes(t *testing.T) {
	s := newRepo(t)
	files := map[string]string{".gitattributes": "", "action/install.sh": "", "action/checksums.txt": "", "layers/probe/auto.go": ""}
	for name := range files {
		files[name] = string(must(os.ReadFile(filepath.Join(topDir, name))))
		if err := os.MkdirAll(filepath.Dir(filepath.Join(s.dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.run("git init --quiet && git add . && " + commit + " && git config core.autocrlf true && rm -r action layers && git checkout --quiet .")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if got := string(must(os.ReadFile(filepath.Join(s.dir, name)))); got != files[name] {
			t.Errorf("%s is not what was committed", name)
		}
	}
}

// TestReleaseProbe checks which images of the probe are made, and that both are signed.
func TestReleaseProbe(t *testing.T) {
	s := newRepo(t)
	s.env = append(s.env, "VERSION=v1.2.3", "RUNNER_TEMP="+s.dir, "PATH="+s.dir+":"+os.Getenv("PATH"))
	s.run(`for tool in kohealth cosign; do
			echo '#!/bin/sh' >$tool; echo 'echo '$tool' "$@" >>'"$PWD"'/log; echo ref' >>$tool; chmod +x $tool
		done`)
	s.run(releaseStep(t, "Image of the probe"))
	want := `kohealth base --bare --platform=all --tags=v1.2.3,latest kohealth.local/static
cosign sign --yes ref
kohealth base --bare --platform=all --tags=v1.2.3-tls,tls --health=https://:8443/ kohealth.local/static
cosign sign --yes ref`
	if got := s.run("cat log"); got != want {
		t.Errorf("the step runs\n%s\nwant\n%s", got, want)
	}
}
