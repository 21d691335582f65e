package trial

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
)

// TestHere shows which paths of an image are those of what was unpacked.
func TestHere(t *testing.T) {
	l := &Local{root: "/r$1"}
	for text, want := range map[string]string{
		"/ko-app/app":                           "/r$1/ko-app/app",
		"/ko-app":                               "/r$1/ko-app",
		"/ko-apps/app":                          "/ko-apps/app",
		"-cacert=/var/run/ko/ca.pem":            "-cacert=/r$1/var/run/ko/ca.pem",
		"cat '/var/run/ko/x'|/ko-app/app":       "cat '/r$1/var/run/ko/x'|/r$1/ko-app/app",
		"/usr/bin/healthcheck tcp://:80 && ls":  "/r$1/usr/bin/healthcheck tcp://:80 && ls",
		"/usr/bin/healthcheck.sh":               "/usr/bin/healthcheck.sh",
		"ls /ko-app /var/run/ko":                "ls /r$1/ko-app /r$1/var/run/ko",
		"(/ko-app/app </var/run/ko/in;/ko-app)": "(/r$1/ko-app/app </r$1/var/run/ko/in;/r$1/ko-app)",
		"x=`/ko-app/app`":                       "x=`/r$1/ko-app/app`",
		"http://:80/ko-app/":                    "http://:80/ko-app/",
		"/bin/sh":                               "/bin/sh",
	} {
		if got := l.here(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestEnviron(t *testing.T) {
	for _, tt := range []struct {
		name   string
		test   string
		image  []string
		more   []string
		want   []string
		random bool // PORT
	}{
		{"ko's", "auto", []string{"PATH=/usr/bin:/ko-app", "SSL_CERT_FILE=/etc/ssl/cert.pem", "KO_DATA_PATH=/var/run/ko"}, nil,
			[]string{"HOME=/r", "PATH=/usr/bin:/r/ko-app", "KO_DATA_PATH=/r/var/run/ko"}, false},
		{"more", "auto", []string{"A=1"}, []string{"A=2", "HOME=/h"}, []string{"HOME=/r", "A=1", "A=2", "HOME=/h"}, false},
		{"a port", "http://:$PORT/", nil, nil, []string{"HOME=/r"}, true},
		{"a port with a default", "tcp://:${PORT:-80}", nil, nil, []string{"HOME=/r"}, true},
		{"a port in a shell command", "curl localhost:$PORT", nil, nil, []string{"HOME=/r"}, true},
		{"another variable", "curl localhost:$PORTS", nil, nil, []string{"HOME=/r"}, false},
		{"the user's port", "http://:$PORT/", nil, []string{"PORT=80"}, []string{"HOME=/r", "PORT=80"}, false},
		{"the image's port", "http://:$PORT/", []string{"PORT=80"}, nil, []string{"HOME=/r", "PORT=80"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			test, err := health.ParseTest(tt.test)
			if err != nil {
				t.Fatal(err)
			}
			l := &Local{root: "/r", config: v1.Config{Env: tt.image}, test: test}
			got, err := l.environ(tt.more)
			if err != nil {
				t.Fatal(err)
			}
			if last := len(got) - 1; tt.random && strings.HasPrefix(got[last], "PORT=") {
				got = got[:last]
			} else if tt.random {
				t.Errorf("no PORT in %q", got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnpack unpacks what is the app's of its layers, and writes nowhere else.
func TestUnpack(t *testing.T) {
	app := App{Layers: []v1.Layer{
		tarLayer(t, "ko-app/app", "var/run/ko/", "var/run/ko/name", "/var/run/ko/sub/name", "var/run/ko/../../../escaped"),
		tarLayer(t, "/ko-app/app", "/etc/passwd", "../ko-app/other"),
	}}
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := app.unpack(root); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ko-app/app", "ko-app/other", "var/run/ko/name", "var/run/ko/sub/name"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "ko-app/app")); err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("the app: %v, %v", info, err)
	}
}

func tarLayer(t *testing.T, names ...string) v1.Layer {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, name := range names {
		kind := byte(tar.TypeReg)
		if strings.HasSuffix(name, "/") {
			kind = tar.TypeDir
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Mode: 0o555}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return static.NewLayer(data.Bytes(), types.DockerUncompressedLayer)
}

// TestRunCheck runs checks as Docker does.
func TestRunCheck(t *testing.T) {
	const slow = "echo slow; sleep 1000 & wait"
	for _, tt := range []struct{ script, want string }{
		{"exit 0", ""},
		{"echo fine; exit 0", ""},
		{"echo 'unhealthy: refused' >&2; exit 1", "refused"},
		{"exit 3", "exit status 3 and no output"},
		{"kill -9 $$", "signal: killed and no output"},
		{"sleep 1000 & exit 1", "exit status 1 and no output"},
		{slow, "exceeded the timeout of 2s: slow"},
		{"head -c 100000 /dev/zero | tr '\\0' x; exit 1", strings.Repeat("x", maxOutput)},
	} {
		timeout := time.Minute
		if tt.script == slow {
			timeout = 2 * time.Second
		}
		if _, got := runCheck(t.Context(), timeout, exec.Command("/bin/sh", "-c", tt.script)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.script, got, tt.want)
		}
	}
	_, missing := runCheck(t.Context(), time.Second, exec.Command("/nowhere/check"))
	if !strings.Contains(missing, "no such file") {
		t.Errorf("a program that is not there: %q", missing)
	}
}

// TestNothingStaysBehind runs apps and checks that leave processes behind, and waits until
// all of them are gone, by a pipe that each of them holds.
func TestNothingStaysBehind(t *testing.T) {
	app := func(cmd *exec.Cmd) error {
		output := &awaited{line: "up\n", seen: make(chan struct{})}
		p, err := start(cmd, output, func() {})
		if err != nil {
			return err
		}
		<-output.seen
		p.stop(10 * time.Millisecond)
		return nil
	}
	check := func(cmd *exec.Cmd) error {
		runCheck(t.Context(), 2*time.Second, cmd)
		return nil
	}
	for _, tt := range []struct {
		script string
		run    func(*exec.Cmd) error
	}{
		{"sleep 1000 & echo up; exit 0", app},
		{"trap '' TERM; sleep 1000 & echo up; wait", app},
		{"sleep 1000 >/dev/null 2>&1 & exit 0", check},
		{"sleep 1000 >/dev/null 2>&1 & wait", check},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", tt.script)
		cmd.ExtraFiles = []*os.File{w}
		if err := errors.Join(tt.run(cmd), w.Close(), r.SetReadDeadline(time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err != nil {
			t.Fatalf("%s: a process runs on: %v", tt.script, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestProcess stops apps of all kinds, and reads all that they have written.
func TestProcess(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		ends         bool // by itself
		want, output string
	}{
		{"polite", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done", false, "", "up\nbye\n"},
		{"ended", "echo up; exit 4", true, "with code 4", "up\n"},
		{"killed", "echo up; kill -9 $$", true, "by signal: killed", "up\n"},
		{"with a child", "sleep 1000 & echo up; exit 0", true, "with code 0", "up\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			output := &awaited{line: "up\n", seen: make(chan struct{})}
			alive, died := context.WithCancel(t.Context())
			p, err := start(exec.Command("/bin/sh", "-c", tt.script), output, died)
			if err != nil {
				t.Fatal(err)
			}
			<-output.seen
			if tt.ends {
				<-alive.Done()
			}
			if got := p.stop(grace); got != tt.want {
				t.Errorf("ended %q, want %q", got, tt.want)
			}
			if got := string(output.data); got != tt.output {
				t.Errorf("output %q, want %q", got, tt.output)
			}
			<-alive.Done()
		})
	}
	if _, err := start(exec.Command("/nowhere/app"), io.Discard, func() {}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// An awaited keeps what is written, and tells when it is some line.
type awaited struct {
	line string
	data []byte
	seen chan struct{}
}

func (a *awaited) Write(p []byte) (int, error) {
	a.data = append(a.data, p...)
	if string(a.data) == a.line {
		close(a.seen)
	}
	return len(p), nil
}

// TestCheckCommand pins that a check on this machine writes nothing to the log of its
// process 1, whatever the check says.
func TestCheckCommand(t *testing.T) {
	for _, args := range [][]string{{"auto"}, {"-log", "auto"}, {"--log=true", "-v", "auto"}, {"-log=false", "auto"}} {
		test, err := health.ParseTestList(args)
		if err != nil {
			t.Fatal(err)
		}
		l := &Local{root: "/r", test: test}
		got := l.checkCommand(nil).Args
		want := append([]string{"-log=false"}, args[slices.IndexFunc(args, func(s string) bool { return !strings.Contains(s, "log") }):]...)
		if diff := cmp.Diff(want, got[1:]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fmt.Sprint(args), diff)
		}
	}
}

// script puts a script in the place of an app, and returns the app's Local.
func script(t *testing.T, text string, test health.Test) *Local {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ko-app"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ko-app/app"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Local{
		root:    dir,
		program: "/ko-app/app",
		config:  v1.Config{Entrypoint: []string{"/ko-app/app"}, Env: []string{"PATH=/usr/bin:/ko-app"}},
		check:   health.Config{StartPeriod: time.Minute, StartInterval: 10 * time.Millisecond},
		test:    test,
	}
}

// itself is a check that is the app, called with check.
var itself = health.Test{Kind: health.Exec, Args: []string{"app", "check"}}

// TestRun runs an app that writes, without anybody who listens.
func TestRun(t *testing.T) {
	l := script(t, "[ \"$1\" = check ] && exec test -e alive; echo up; >alive; sleep 1000", itself)
	o, err := l.Run(t.Context(), Options{})
	if err != nil || !o.Healthy || o.End != "" {
		t.Errorf("outcome %+v, error %v", o, err)
	}
}

// TestRunsHere refuses checks with programs that are neither the app nor the probe, however
// they are called.
func TestRunsHere(t *testing.T) {
	up := strings.Repeat("../", 20)
	for program, want := range map[string]string{
		"/ko-app/app": "/ko-app/app", "app": "/ko-app/app", "./ko-app/../ko-app/app": "/ko-app/app", "../app": "/ko-app/app",
		up + "ko-app/app": "/ko-app/app", "/ko-app/./app": "/ko-app/app", "/usr/bin/healthcheck": "/usr/bin/healthcheck",
		"/bin/sh": "", "sh": "", "nowhere": "", up + "bin/sh": "", "/ko-app/" + up + "bin/sh": "", "./" + up + "bin/sh": "",
		"/usr/bin/healthcheck/" + up + "bin/sh": "", "/ko-app": "", "/": "", ".": "", "..": "", "/var/run/ko/check": "", "/ko-app/other": "",
		"/ko-app/app/../../../bin/sh": "", "sub/app": "", "": "",
	} {
		l := script(t, "", health.Test{Kind: health.Exec, Args: []string{program}})
		l.config.WorkingDir = "/ko-app/sub"
		if program == "./ko-app/../ko-app/app" || program == "sub/app" {
			l.config.WorkingDir = "/"
		}
		at, err := l.runsHere(program)
		if (err == nil) != (want != "") || err == nil && at != l.root+want {
			t.Errorf("%s: %q, %v; want %q", program, at, err, want)
		}
		cmd := l.checkCommand(nil)
		if _, cause := runCheck(t.Context(), time.Minute, cmd); want == "" && (cmd.Process != nil || cause == "") {
			t.Errorf("%s was run", program)
		}
	}
}

// TestProgram takes for the app only what ko has built.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	app := App{Layers: []v1.Layer{tarLayer(t, "ko-app/", "ko-app/app", "var/run/ko/data")}}
	if err := app.unpack(root); err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]bool{
		"/ko-app/app": true, "/bin/sh": false, "app": false, "/ko-app/other": false, "/ko-app": false, "/ko-app/../bin/sh": false,
		"../../../../../../bin/sh": false, "/var/run/ko/data": false, "": false,
	} {
		app.Config.Entrypoint = []string{entry}
		if got, err := app.program(root); (err == nil) != want {
			t.Errorf("%s: %q, %v", entry, got, err)
		}
	}
	app.Config.Entrypoint = nil
	if got, err := app.program(root); err == nil {
		t.Errorf("an image that starts nothing: %q", got)
	}
}

// TestShellIsTheImages refuses a shell command: this machine's shell is not the image's.
func TestShellIsTheImages(t *testing.T) {
	l := script(t, "", health.Test{Kind: health.Shell, Args: []string{"true"}})
	if _, err := l.runsHere(l.checkProgram()); err == nil || !strings.Contains(err.Error(), "/bin/sh, which is the base image's") {
		t.Errorf("error %v", err)
	}
	if _, cause := runCheck(t.Context(), time.Minute, l.checkCommand(nil)); cause == "" {
		t.Error("it was run")
	}
}

// TestEnvironmentBringsNoProgram has a base whose variables hold functions for the shell, or
// lead linker and shell elsewhere: a shell that the app starts runs none of them.
func TestEnvironmentBringsNoProgram(t *testing.T) {
	l := script(t, "echo ran $OWN $NAMED; printenv; true", itself)
	evil := filepath.Join(t.TempDir(), "evil")
	l.config.Env = []string{
		"PATH=" + evil + ":/usr/bin:/ko-app", "HOME=/root", "OTHER=other", "NAMED=named", "KO_DATA_PATH=/var/run/ko",
		"BASH_FUNC_test%%=() { echo EVIL; }", "BASH_FUNC_echo%%=() { printf EVIL; }", "BASH_ENV=" + evil, "ENV=" + evil,
		"LD_PRELOAD=" + evil, "LD_LIBRARY_PATH=" + evil, "DYLD_INSERT_LIBRARIES=" + evil,
		"SHELLOPTS=xtrace", "PS4=$(echo EVIL)", "PROMPT_COMMAND=echo EVIL", "IFS=/", "a b=EVIL", "=EVIL",
	}
	env, err := l.environ([]string{"OWN=own"})
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range env {
		if strings.Contains(kv, "EVIL") || strings.Contains(kv, evil) && !strings.HasPrefix(kv, "PATH=") {
			t.Errorf("the app gets %s", kv)
		}
	}
	if !slices.Contains(env, "OTHER=other") || valueOf(env, "HOME") != l.root {
		t.Errorf("the app gets %q", env)
	}
	said, cause := runCheck(t.Context(), time.Minute, l.checkCommand(env))
	if cause != "" || !strings.HasPrefix(said, "ran own named\n") {
		t.Errorf("the check says %q, %s", said, cause)
	}
	for _, unwanted := range []string{"EVIL", "LD_", "HOME=/root"} {
		if strings.Contains(said, unwanted) {
			t.Errorf("the check has %s: %s", unwanted, said)
		}
	}
}
