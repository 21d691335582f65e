package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/goproxytest"
	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestAction runs workflows that use the action with act, on this machine itself, and
// without a network: the release that the action installs is this program's, and
// actions/cache is a stand-in (testdata/action/standin). It is needed where
// KOHEALTH_TEST_ENGINES is set.
func TestAction(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to install act")
	}
	params := scriptParams(t)
	params.Dir = filepath.Join(topDir, "testdata", "action")
	inProcess := params.Setup
	shell := keepSteps(t)
	action := t.TempDir()
	copyAction(t, action)
	releases := serveRelease(t, action, must(os.Executable()))
	downloadFrom(t, action, releases.URL)
	modules, err := goproxytest.NewServer(filepath.Join(params.Dir, "mod"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(modules.Close)
	params.Setup = func(e *testscript.Env) error {
		e.Setenv("MODULES", modules.URL)
		e.Setenv("RUNNER_OS", runnerOS())
		e.Setenv("RUNNER_ARCH", runnerArch())
		e.Setenv("ARCH", runnerArch())
		e.Setenv("RELEASES", releases.URL)
		e.Setenv("ACTION", action)
		e.Setenv("ROOT", must(filepath.Abs(topDir)))
		e.Setenv("OUT", filepath.Join(e.WorkDir, "out"))
		if err := os.Mkdir(filepath.Join(e.WorkDir, "out"), 0o755); err != nil {
			return err
		}
		if err := inProcess(e); err != nil {
			return err
		}
		e.Setenv("PATH", shell+string(filepath.ListSeparator)+e.Getenv("PATH"))
		for name, text := range map[string]string{"deploy.yml": block(t, "docs/action.md", "yml"), "task-definition.json": block(t, "docs/ecs.md", "json")} {
			if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	params.Cmds["act"] = cmdAct
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

// keepSteps returns a directory with a shell for the steps, which keeps what those of the
// last workflow wrote, to either stream, in out/steps: act itself may lose the end of it if
// a step fails.
func keepSteps(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	bash := must(exec.LookPath("bash"))
	script := "#!" + bash + `
set -o pipefail
case $1 in
--noprofile) ` + bash + ` "$@" 2>&1 | tee -a "$OUT/steps" ;;
*) exec ` + bash + ` "$@" ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "bash"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runnerOS and runnerArch are as GitHub's runners have them.
func runnerOS() string {
	return map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows"}[runtime.GOOS]
}

func runnerArch() string {
	return map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH]
}

// copyAction copies what the action is made of, with a small program as its source.
func copyAction(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "action"), 0o755); err != nil {
		t.Fatal(err)
	}
	source := must(txtar.ParseFile(filepath.Join(topDir, "testdata", "action", "mod", "github.com_ko-health_kohealth_v1.2.4.txtar")))
	if err := txtar.Write(source, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"action.yml", "action/paths.sh", "action/install.sh"} {
		data, err := os.ReadFile(filepath.Join(topDir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const testRelease = "1.2.3"

// serveRelease serves a program as the release of an action, whose checksum it pins.
func serveRelease(t *testing.T, action, program string) *httptest.Server {
	t.Helper()
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	zw := must(gzip.NewWriterLevel(&archive, gzip.BestSpeed))
	tw := tar.NewWriter(zw)
	if err := tw.WriteHeader(&tar.Header{Name: "kohealth", Mode: 0o755, Size: int64(len(binary))}); err != nil {
		t.Fatal(err)
	}
	must(tw.Write(binary))
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("kohealth_%s_%s_%s.tar.gz", testRelease, runtime.GOOS, runtime.GOARCH)
	sums := fmt.Sprintf("%x  %s\n", sha256.Sum256(archive.Bytes()), name)
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_arm64"} { // the version is read from one of them
		if other := "kohealth_" + testRelease + "_" + platform + ".tar.gz"; other != name {
			sums += fmt.Sprintf("%064x  %s\n", 1, other)
		}
	}
	if err := os.WriteFile(filepath.Join(action, "action", "checksums.txt"), []byte(sums), 0o644); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path.Join("/v"+testRelease, name) {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(archive.Bytes())
	}))
	t.Cleanup(srv.Close)
	return srv
}

// downloadFrom has an action download from a server of the test's.
func downloadFrom(t *testing.T, action, url string) {
	t.Helper()
	file := filepath.Join(action, "action.yml")
	text := string(must(os.ReadFile(file)))
	const github = "https://github.com/ko-health/kohealth/releases/download"
	if !strings.Contains(text, "default: "+github+"\n") {
		t.Fatalf("action.yml does not download from %s", github)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, github, url)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cmdAct runs a workflow of the script's, or with ! one that fails: act FILE.
func cmdAct(ts *testscript.TestScript, neg bool, args []string) {
	home, err := os.MkdirTemp("", "act") // not below the directory that act copies
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(home) })
	line := []string{
		"push", "-W", args[0], "-P", "ubuntu-latest=-self-hosted", "--no-cache-server",
		"--action-cache-path", home,
		"--local-repository", "ko-health/kohealth@v1=" + ts.Getenv("ACTION"),
		"--var", "ECR_REGISTRY=" + ts.Getenv("REGISTRY"), "--var", "ROLE=arn:aws:iam::123456789012:role/deploy",
	}
	for _, uses := range append(usesOf(ts.ReadFile(args[0])), usesOf(string(must(os.ReadFile(filepath.Join(topDir, "action.yml")))))...) {
		line = append(line, "--local-repository", uses+"="+must(filepath.Abs(filepath.Join(topDir, "testdata", "action", "standin"))))
	}
	// act reads the commit from the repository.
	ts.Check(ts.Exec("git", "init", "-q"))
	ts.Check(ts.Exec("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "--allow-empty", "-m", "test"))
	for _, name := range []string{"OUT", "REGISTRY"} {
		line = append(line, "--env", name+"="+ts.Getenv(name))
	}
	ts.Check(os.RemoveAll(filepath.Join(ts.Getenv("OUT"), "steps")))
	err = ts.Exec("act", line...)
	if (err != nil) != neg {
		ts.Fatalf("act: %v", err)
	}
}

// usesOf returns the actions of others that a workflow or an action uses. What checks out
// is act itself.
func usesOf(text string) (list []string) {
	for _, m := range regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "ko-health/") && !strings.HasPrefix(m[1], "actions/checkout@") {
			list = append(list, m[1])
		}
	}
	return list
}
