package walk

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/limits"
)

// tree is a repository with ignored files of many kinds.
var tree = map[string]string{
	".gitignore":              "# comment\n/out\n*.gen.yaml\n!keep.gen.yaml\nnode_modules/\n\\#hash.yaml\ntrail.yaml  \r\n**/deep/*.yaml\na/**/z.yaml\n",
	"a.yaml":                  "",
	"a.gen.yaml":              "",
	"keep.gen.yaml":           "",
	"#hash.yaml":              "",
	"trail.yaml":              "",
	"out/x.yaml":              "",
	"sub/out/x.yaml":          "",
	"sub/node_modules/m.yaml": "",
	"sub/.gitignore":          "local.yaml\n!b.gen.yaml\n/only.yaml\n",
	"sub/local.yaml":          "",
	"sub/b.gen.yaml":          "",
	"sub/only.yaml":           "",
	"sub/x/only.yaml":         "",
	"sub/x/local.yaml":        "",
	"x/deep/d.yaml":           "",
	"a/b/c/z.yaml":            "",
	"a/z.yaml":                "",
	"Dockerfile":              "",
	".github/w.yml":           "",
	"excluded.yaml":           "",
	".git/info/exclude":       "excluded.yaml\n",
	".git/config.yaml":        "",
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFiles(t *testing.T) {
	dir := write(t, tree)
	err := os.Symlink("a.yaml", filepath.Join(dir, "link.yaml"))
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("Windows lets not everybody make links:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for below, want := range map[string]string{
		".":     ".github/w.yml a.yaml keep.gen.yaml sub/b.gen.yaml sub/out/x.yaml sub/x/only.yaml",
		"sub":   "b.gen.yaml out/x.yaml x/only.yaml",
		"sub/x": "only.yaml",
	} {
		got, err := Files(filepath.Join(dir, below), []string{"*.yaml", "*.yml"})
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range got {
			rel, err := filepath.Rel(filepath.Join(dir, below), name)
			if err != nil {
				t.Fatal(err)
			}
			got[i] = filepath.ToSlash(rel)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", below, diff)
		}
	}
}

// TestGit compares what is left out with what git itself ignores.
func TestGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, text := range tree {
		if !strings.HasPrefix(name, ".git/") {
			files[name] = text
		}
	}
	dir := write(t, files)
	run := func(args ...string) string {
		cmd := exec.Command(git, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "XDG_CONFIG_HOME="+dir)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", args, err)
		}
		return string(out)
	}
	run("init", "-q")
	want := strings.FieldsFunc(run("ls-files", "-z", "--others", "--exclude-standard"), func(r rune) bool { return r == 0 })
	got, err := Files(dir, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range got {
		if got[i], err = filepath.Rel(dir, name); err != nil {
			t.Fatal(err)
		}
		got[i] = filepath.ToSlash(got[i])
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-git +walk):\n%s", diff)
	}
}

// many is a directory of as many files as one wants.
type many struct {
	fs.FS
	n int
}

type entry struct{ fs.FileInfo }

func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Info() (fs.FileInfo, error) { return e.FileInfo, nil }
func (e entry) Name() string               { return "f" }
func (e entry) IsDir() bool                { return false }

func (m many) ReadDir(string) ([]fs.DirEntry, error) {
	return slices.Repeat([]fs.DirEntry{entry{}}, m.n), nil
}

func TestLimit(t *testing.T) {
	most := int(limits.Walked.Max())
	for _, n := range []int{most - 1, most} { // and the directory
		w := &walker{fsys: many{fstest.MapFS{".": {Mode: fs.ModeDir, ModTime: time.Unix(0, 0)}}, n}}
		_, err := w.walk(".")
		var e *limits.Error
		if isOver := errors.As(err, &e) && e.Limit == limits.Walked; isOver != (n == most) || err != nil && !isOver {
			t.Errorf("%d files: error %v", n, err)
		}
	}
}

// TestWorktree walks where .git is a file, as it is in worktrees and submodules.
func TestWorktree(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{".git": "gitdir: elsewhere\n", ".gitignore": "b.yaml\n", "a.yaml": "", "b.yaml": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Files(dir, []string{"*.yaml"})
	if want := []string{filepath.Join(dir, "a.yaml")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
