// Package winetest runs programs for Windows in tests, with Debian's wine64.
package winetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// A Wine is a Windows of its own, in a directory.
type Wine struct {
	env    []string
	loader string
	server string
	prefix string
}

// New sets up a Wine in a directory that it makes. Wine 8 has no bcryptprimitives.dll,
// where Go's runtime has its randomness from. So it gets one, which is nothing but an
// entry that leads to what Windows had before: RtlGenRandom of advapi32.dll.
func New(dir string) (*Wine, error) {
	loader, err := find("wine64")
	if err != nil {
		return nil, err
	}
	w := &Wine{loader: loader, server: filepath.Join(filepath.Dir(loader), "wineserver64"), prefix: dir}
	w.env = []string{"WINEPREFIX=" + dir, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := w.boot(); err != nil {
		return nil, err
	}
	return w, w.addRandomness()
}

// boot starts Wine's server and the services of a Windows. They stay until Close and
// have a log of their own: else what they say would be in the stderr of the program that
// happens to start them.
func (w *Wine) boot() error {
	if err := os.Mkdir(w.prefix, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(w.prefix, "services.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	for _, cmd := range []*exec.Cmd{w.serve("--persistent"), w.Command("wineboot", "-u")} {
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("setting up Wine with %q: %w: %s", cmd.Args, err, said)
		}
	}
	return nil
}

// serve returns the command that gives an order to Wine's server.
func (w *Wine) serve(order string) *exec.Cmd {
	cmd := exec.Command(w.server, order)
	cmd.Env = w.env
	return cmd
}

// find finds Wine, which Debian keeps out of PATH unless more of it is installed.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path := "/usr/lib/wine/" + name
	_, err := os.Stat(path)
	return path, err
}

func (w *Wine) addRandomness() error {
	const library, object = "bcryptprimitives.dll", "empty.o"
	const exports = "LIBRARY " + library + "\nEXPORTS\nProcessPrng = advapi32.SystemFunction036\n"
	system := w.Drive("windows", "system32")
	if err := os.WriteFile(filepath.Join(system, "exports.def"), []byte(exports), 0o600); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{"x86_64-w64-mingw32-as", "-o", object, os.DevNull},
		{"x86_64-w64-mingw32-ld", "-shared", "--entry=0", "-o", library, "exports.def", object},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = system
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("running %q: %w: %s", argv, err, out)
		}
	}
	return nil
}

// Command returns a command that runs a program. Its environment is Wine's alone.
func (w *Wine) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(w.loader, append([]string{program}, args...)...)
	cmd.Env = w.Env()
	return cmd
}

// Loader returns what runs a program, its first argument.
func (w *Wine) Loader() string { return w.loader }

// Env returns the variables without which Loader runs in a Windows of somebody else's.
func (w *Wine) Env() []string { return slices.Clone(w.env) }

// own matches what Wine itself says of a thread that outlives its process by a moment.
var own = regexp.MustCompile(`(?m)^wine client error:.*\n?`)

// Said returns what a program has written to stderr, without what Wine has.
func Said(stderr string) string { return own.ReplaceAllString(stderr, "") }

// Drive returns where a path of drive C: lies.
func (w *Wine) Drive(elem ...string) string {
	return filepath.Join(append([]string{w.prefix, "drive_c"}, elem...)...)
}

// Close ends all that runs in the Wine.
func (w *Wine) Close() error {
	return errors.Join(w.serve("--kill").Run(), w.serve("--wait").Run())
}
