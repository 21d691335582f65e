package trial

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
)

// ErrNoApp says that a check passes although there is no app that it could ask.
var ErrNoApp = errors.New("the check passes before the app is started")

// A Local is an app as a process of this machine, with a directory that stands for the
// image's root directory. It has the image's environment and nothing of the user's. Its
// network, its other files and its user are this machine's. Nothing runs that the base
// image brings.
type Local struct {
	root    string
	program string // the app's path in the image
	config  v1.Config
	check   health.Config
	test    health.Test
}

// NewLocal unpacks an app for this machine into a directory that exists, beside a probe
// for this machine. The check is the one that the user has configured, or the default: not
// one that was found in an image.
func NewLocal(ctx context.Context, app App, check health.Config, dir string, compiler *layers.Compiler) (*Local, error) {
	dir, err := filepath.EvalSymlinks(dir) // the kernel knows programs by that name
	if err != nil {
		return nil, err
	}
	l := &Local{root: dir, config: app.Config, check: check}
	if l.test, err = testOf(check); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := app.unpack(root); err != nil {
		return nil, err
	}
	if l.program, err = app.program(root); err != nil {
		return nil, err
	}
	if l.test.Kind != health.Probe {
		if _, err := l.runsHere(l.checkProgram()); err != nil {
			return nil, err
		}
	}
	if err := root.MkdirAll(filepath.Join(".", l.workingDir()), 0o755); err != nil {
		return nil, fmt.Errorf("making the working directory: %w", err)
	}
	return l, l.addProbe(ctx, root, compiler)
}

// testOf returns the test of an image's check.
func testOf(check health.Config) (health.Test, error) {
	test, err := health.ParseTestList(check.Test)
	if err != nil {
		return test, err
	}
	return test.AsProbe()
}

// runsHere returns where on this machine the program of a check is, which may be the app or
// the probe, by path or by a name that PATH leads to. Whatever else it is called by, or
// leads to, is the base image's and runs in a container only.
func (l *Local) runsHere(program string) (string, error) {
	at := path.Clean(program)
	switch {
	case !strings.Contains(program, "/"):
		at = l.inPath(program)
	case !path.IsAbs(program):
		at = path.Join(l.workingDir(), program)
	}
	if at != l.program && at != health.ProbePath {
		return "", hint.With(fmt.Errorf("the check runs %s, which is the base image's", program), "use --engine, which runs it in a container")
	}
	return l.root + at, nil
}

// checkProgram is the program of a check that is not the probe's: a shell command is for the
// image's shell, and its programs are the image's.
func (l *Local) checkProgram() string {
	if l.test.Kind == health.Shell {
		return "/bin/sh"
	}
	return l.test.Args[0]
}

// inPath returns the path of the app or the probe if a name in the image's PATH leads to it.
func (l *Local) inPath(name string) string {
	for _, dir := range strings.Split(valueOf(l.config.Env, "PATH"), ":") {
		if at := path.Join("/", dir, name); at == l.program || at == health.ProbePath {
			return at
		}
	}
	return ""
}

// workingDir is the directory of the image that app and check begin in.
func (l *Local) workingDir() string { return path.Join("/", l.config.WorkingDir) }

// addProbe adds the probe. It takes for the app what runs from the directory.
func (l *Local) addProbe(ctx context.Context, root *os.Root, compiler *layers.Compiler) error {
	if !l.test.UsesProbe() {
		return nil
	}
	variant := layers.Plain
	if l.test.NeedsTLS() {
		variant = layers.TLS
	}
	probe, err := compiler.HostProbe(ctx, variant, l.root+appDir+"/")
	if err != nil {
		return err
	}
	return writeFile(root, health.ProbePath[1:], bytes.NewReader(probe), 0o755)
}

// Run runs the app and its check until that passes or fails for good. The app, and all
// in its process group, have ended when Run returns. The error is that of a trial that
// could not take place; [ErrNoApp] if the check does not depend on the app.
func (l *Local) Run(ctx context.Context, opts Options) (Outcome, error) {
	s := newSchedule(l.check)
	env, err := l.environ(opts.Env)
	if err != nil {
		return Outcome{}, err
	}
	check := func(ctx context.Context) string {
		_, cause := runCheck(ctx, s.Timeout, l.checkCommand(env))
		return l.inImage(cause)
	}
	if cause := check(ctx); ctx.Err() != nil {
		return Outcome{}, context.Cause(ctx)
	} else if cause == "" {
		return Outcome{}, ErrNoApp
	}
	alive, died := context.WithCancel(ctx)
	defer died()
	app, err := start(l.appCommand(env, opts.Args), cmp.Or(opts.Output, io.Discard), died)
	if err != nil {
		return Outcome{}, err
	}
	opts.started()
	o, err := watch(ctx, alive, s, check, &opts)
	if alive.Err() == nil {
		o.Auto = l.auto(alive, s.Timeout, env)
	}
	o.End = app.stop(graceOf(ctx))
	return o, err
}

// auto asks the probe what auto would say, if the check uses the probe.
func (l *Local) auto(ctx context.Context, timeout time.Duration, env []string) (auto Auto) {
	if !l.test.UsesProbe() || runtime.GOOS != "linux" {
		return auto
	}
	said, cause := runCheck(ctx, timeout, l.command(env, l.root+health.ProbePath, []string{"-log=false", "-json", health.DefaultTest}))
	auto = autoOf(said, cause)
	auto.Cause = l.inImage(auto.Cause)
	return auto
}

// inImage returns words about files as they would be where the image is the root.
func (l *Local) inImage(words string) string { return strings.ReplaceAll(words, l.root+"/", "/") }

// autoOf reads what the probe has said of auto with -json, beside what it says on stderr.
func autoOf(said, cause string) (auto Auto) {
	for line := range strings.Lines(said) {
		var result struct {
			Targets []struct {
				Addresses []string
				Error     string
			}
		}
		if json.Unmarshal([]byte(line), &result) != nil {
			continue
		}
		for _, t := range result.Targets {
			auto = Auto{t.Addresses, t.Error}
		}
		return auto
	}
	return Auto{Cause: cause}
}

func (l *Local) appCommand(env, args []string) *exec.Cmd {
	if len(args) == 0 {
		args = l.config.Cmd
	}
	return l.command(env, l.root+l.program, slices.Concat(l.config.Entrypoint[1:], args))
}

// checkCommand returns what Docker would run in a container. A check on this machine has no
// business in the log of this machine's process 1.
func (l *Local) checkCommand(env []string) *exec.Cmd {
	if l.test.Kind == health.Probe {
		args := slices.DeleteFunc(slices.Clone(l.test.Args), func(s string) bool {
			return strings.HasPrefix(strings.TrimLeft(s, "-"), "log") && strings.HasPrefix(s, "-")
		})
		return l.command(env, l.root+health.ProbePath, append([]string{"-log=false"}, args...))
	}
	program, err := l.runsHere(l.checkProgram())
	cmd := l.command(env, program, l.test.Args[1:])
	cmd.Err = err
	return cmd
}

// command returns a command of a program of this machine. Paths of the image in its
// arguments become those of this machine.
func (l *Local) command(env []string, program string, args []string) *exec.Cmd {
	args = slices.Clone(args)
	for i := range args {
		args[i] = l.here(args[i])
	}
	cmd := exec.Command(program, args...)
	cmd.Env = env
	cmd.Dir = filepath.Join(l.root, l.workingDir())
	return cmd
}

// freePort returns a port that nobody listens on just now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
