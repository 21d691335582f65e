package trial

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// A Local is the app of an image as a process of this machine, with a directory that
// stands for the image's root directory. It has the image's environment and nothing of
// the user's. Its network, its other files and its user are this machine's.
type Local struct {
	root   string
	config v1.Config
	check  health.Config
	test   health.Test
}

// NewLocal unpacks the app of an image for this machine into a directory that exists,
// beside a probe for this machine. The check is the image's.
func NewLocal(ctx context.Context, img v1.Image, check health.Config, dir string, compiler *layers.Compiler) (*Local, error) {
	dir, err := filepath.EvalSymlinks(dir) // the kernel knows programs by that name
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the image: %w", err)
	}
	l := &Local{root: dir, config: config.Config, check: check}
	if l.test, err = testOf(check); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := unpack(img, root); err != nil {
		return nil, err
	}
	if err := l.runsHere(); err != nil {
		return nil, err
	}
	if err := root.MkdirAll(filepath.Join(".", l.config.WorkingDir), 0o755); err != nil {
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

// runsHere refuses a check that cannot be run without the image's own files.
func (l *Local) runsHere() error {
	if l.test.Kind != health.Exec {
		return nil
	}
	program := l.test.Args[0]
	if !strings.HasPrefix(program, "/") && strings.Contains(program, "/") {
		return nil // relative to the working directory
	}
	env := []string{"PATH=" + l.pathHere(valueOf(l.config.Env, "PATH"))}
	if !strings.HasPrefix(l.lookup(env, l.here(program)), l.root+"/") {
		return hint.With(fmt.Errorf("the check runs %s, which is the base image's", program), "use --engine, which runs it in a container")
	}
	return nil
}

// Note says what is not as in the image, or "".
func (l *Local) Note() string {
	if l.test.Kind == health.Shell {
		return "the check is a shell command: it runs with this machine's /bin/sh and programs, not with the image's; --engine tries those"
	}
	return ""
}

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
		return strings.ReplaceAll(cause, l.root+"/", "/")
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
	if strings.Contains(o.Last.Cause, "connection refused") && alive.Err() == nil {
		o.Accepts = l.accepts(alive, s.Timeout, env)
	}
	o.End = app.stop(graceOf(ctx))
	return o, err
}

// accepts asks the probe where the app accepts connections, for those that were refused.
func (l *Local) accepts(ctx context.Context, timeout time.Duration, env []string) string {
	if l.test.Kind != health.Probe {
		return ""
	}
	said, cause := runCheck(ctx, timeout, l.command(env, []string{health.ProbePath, "-log=false", "-v", "auto"}))
	_, at, ok := strings.Cut(said, " accepts on ")
	if at, _, _ = strings.Cut(at, " ("); cause != "" || !ok {
		return ""
	}
	return at
}

func (l *Local) appCommand(env, args []string) *exec.Cmd {
	argv := slices.Concat(l.config.Entrypoint, l.config.Cmd)
	if len(args) > 0 {
		argv = slices.Concat(l.config.Entrypoint, args)
	}
	return l.command(env, argv)
}

// checkCommand returns what Docker would run in a container. A check on this machine
// has no business in the log of this machine's process 1.
func (l *Local) checkCommand(env []string) *exec.Cmd {
	switch l.test.Kind {
	case health.Probe:
		args := slices.DeleteFunc(slices.Clone(l.test.Args), func(s string) bool {
			return strings.HasPrefix(strings.TrimLeft(s, "-"), "log") && strings.HasPrefix(s, "-")
		})
		return l.command(env, append([]string{health.ProbePath, "-log=false"}, args...))
	case health.Shell:
		env = append(slices.Clip(env), "PATH="+l.searchPath(env))
		return l.command(env, []string{"/bin/sh", "-c", l.test.Args[0]})
	}
	return l.command(env, l.test.Args)
}

// command returns a command in which paths of the image are those of this machine.
func (l *Local) command(env, argv []string) *exec.Cmd {
	argv = slices.Clone(argv)
	for i := range argv {
		argv[i] = l.here(argv[i])
	}
	cmd := exec.Command(l.lookup(env, argv[0]), argv[1:]...)
	cmd.Env = env
	cmd.Dir = filepath.Join(l.root, l.config.WorkingDir)
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
