package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestDropInScript runs the scripts in testdata/dropin: whatever ko does with the same
// arguments, environment and files, kohealth does, too.
//
// A script has a registry to push to, $KO_DOCKER_REPO's, a stand-in for the Docker
// engine, and a directory for what commands write, $OUT; each is empty whenever a
// command starts. The bases are in another registry, $REGISTRY.
func TestDropInScript(t *testing.T) {
	if raceDetector {
		t.Skip("ko v0.19.1 has races of its own: it appends to a shared list in commands/config.go")
	}
	params := scriptParams(t)
	params.Dir = filepath.Join(topDir, "testdata", "dropin")
	inProcess := params.Setup
	params.Setup = func(e *testscript.Env) error {
		if err := inProcess(e); err != nil {
			return err
		}
		w := &world{out: filepath.Join(e.WorkDir, "out")}
		w.registry.reset()
		w.engine.reset()
		registry, engine := httptest.NewServer(&w.registry), httptest.NewServer(&w.engine)
		e.Defer(registry.Close)
		e.Defer(engine.Close)
		e.Setenv("KO_DOCKER_REPO", strings.TrimPrefix(registry.URL, "http://")+"/team")
		e.Setenv("DOCKER_HOST", strings.Replace(engine.URL, "http://", "tcp://", 1))
		e.Setenv("OUT", w.out)
		e.Setenv("SOURCE_DATE_EPOCH", "1700000000")
		e.Values["world"] = w
		return nil
	}
	params.Cmds["same"] = cmdSame
	params.Cmds["adds"] = cmdAdds
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

// A world is all that ko can change.
type world struct {
	registry recorder
	engine   engine
	out      string
}

// An observation is all that can be seen of a run.
type observation struct {
	Exit     int
	Stdout   string
	Stderr   []string // lines without their time, in any order
	Files    map[string]string
	Registry holdings
	Engine   []string
}

// cmdSame checks that nobody can tell ko and kohealth apart: same COMMAND [ARG]... [<
// FILE]. With ! ko has to fail, and what the errors say is left open.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	want, got := observe(ts, "ko", args), observe(ts, "kohealth", args)
	if failed := want.Exit != 0; failed != neg {
		ts.Fatalf("ko exits with %d: %s", want.Exit, strings.Join(want.Stderr, "\n"))
	}
	if neg {
		if !slices.ContainsFunc(got.Stderr, func(line string) bool { return strings.HasPrefix(line, "Error") }) {
			ts.Fatalf("kohealth does not say what is wrong: %s", strings.Join(got.Stderr, "\n"))
		}
		want.Stderr, got.Stderr = nil, nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("(-ko +kohealth):\n%s", diff)
	}
}

// observe runs a program in a world without traces of earlier runs.
func observe(ts *testscript.TestScript, program string, args []string) observation {
	w := ts.Value("world").(*world)
	w.registry.reset()
	w.engine.reset()
	ts.Check(os.RemoveAll(w.out))
	ts.Check(os.Mkdir(w.out, 0o777))
	command := append([]string{program}, args...)
	if n := len(command) - 2; command[n] == "<" {
		command = append([]string{"sh", "-c", `in=$1; shift; exec "$@" <"$in"`, "sh", command[n+1]}, command[:n]...)
	}
	o := observation{}
	if err := ts.Exec(command[0], command[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Check(err)
		}
		o.Exit = exit.ExitCode()
	}
	o.Stdout = ts.ReadFile("stdout")
	if args[0] == "build" { // ko prints references in any order
		o.Stdout = strings.Join(sortedLines(o.Stdout), "\n")
	}
	o.Stderr = sortedLines(passing.ReplaceAllString(ts.ReadFile("stderr"), ""))
	o.Files = readTree(ts, w.out)
	o.Registry, o.Engine = w.registry.holdings(), w.engine.calls()
	return o
}

// passing is what the log says of time, and of blobs that several images share: which
// of them finds such a blob pushed is chance.
var passing = regexp.MustCompile(`(?m)^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?((pushed|existing) blob: .*\n)?`)

func sortedLines(s string) []string { return slices.Sorted(strings.SplitSeq(s, "\n")) }

// readTree returns the files below a directory and their contents. Tarballs count as
// directories.
func readTree(ts *testscript.TestScript, root string) map[string]string {
	files := map[string]string{}
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		if filepath.Ext(name) == ".tar" {
			return readTar(files, name, data)
		}
		files[name] = readable(data)
		return nil
	}))
	return files
}

func readTar(files map[string]string, name string, data []byte) error {
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			return err
		}
		files[name+"/"+h.Name] = readable(content)
	}
}

// readable is data itself, or what stands for it if it is not text.
func readable(data []byte) string {
	if bytes.ContainsRune(data, 0) {
		return fmt.Sprintf("%d bytes, sha256:%x", len(data), sha256.Sum256(data))
	}
	var manifest tarball.Manifest
	if json.Unmarshal(data, &manifest) == nil {
		for _, d := range manifest {
			slices.Sort(d.RepoTags) // they are in any order
		}
		return fmt.Sprintf("%+v", manifest)
	}
	return string(data)
}
