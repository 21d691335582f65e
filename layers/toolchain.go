package layers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// newestEarly is the newest Go 1.N whose runtime has been tested to start after the
// probe's early part: TestEarlyToolchains. With a newer one the probe does without.
const newestEarly = 27

// hasEarly reports whether the probe for a target has an early part.
func hasEarly(target []string) bool {
	return slices.Contains(target, "GOOS=linux") && (slices.Contains(target, "GOARCH=amd64") || slices.Contains(target, "GOARCH=arm64"))
}

// beginsEarly reports whether a probe for a target can begin before Go's runtime does.
func beginsEarly(toolchain string, target []string) bool {
	minor, release := goMinor(toolchain)
	return hasEarly(target) && release && minor <= newestEarly
}

// smaller returns what has a toolchain make a smaller probe. Go 1.26 has brought another
// garbage collector, of 17 KB, for programs that run longer, and its own switch to leave that
// out, which the build information names: "go1.26.8 X:nogreenteagc". Later versions write
// that in a way that scanners take for another version.
func smaller(toolchain string) []string {
	if minor, release := goMinor(toolchain); release && minor == 26 {
		return []string{"GOEXPERIMENT=nogreenteagc"}
	}
	return nil
}

// goMinor returns the N of the line go1.N in what tells a toolchain from others. Those
// that are no releases have none.
func goMinor(toolchain string) (minor int, release bool) {
	for line := range strings.Lines(toolchain) {
		if rest, found := strings.CutPrefix(line, "go1."); found {
			digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
			minor, err := strconv.Atoi(digits)
			return minor, err == nil
		}
	}
	return 0, false
}

// FindGo finds the go command of a name or path; "" means go itself.
func FindGo(name string) (string, error) {
	path, err := exec.LookPath(cmp.Or(name, "go"))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", hint.With(fmt.Errorf("finding the Go toolchain: %w", err),
			"install Go from https://go.dev/dl, or set KO_GO_PATH to the go command")
	}
	return path, nil
}

// oldestGo is the oldest Go 1.N that compiles the probe: see goMod.
const oldestGo = 22

// toolchain finds the go command and what tells its version from others. One that is too
// old to compile the probe may know a newer one.
func (c *Compiler) toolchain(ctx context.Context) (goCmd, id string, err error) {
	goCmd, err = FindGo(c.Go)
	if err != nil {
		return "", "", err
	}
	if id, err = installed(ctx, goCmd); err != nil {
		return "", "", err
	}
	if minor, release := goMinor(id); release && minor < oldestGo {
		return selected(ctx, goCmd)
	}
	return goCmd, id, nil
}

// installed tells a toolchain from others by where it lies and the VERSION file of its
// GOROOT. Only where there is no such file, as with the shims of version managers, go is
// started to ask it.
func installed(ctx context.Context, goCmd string) (id string, err error) {
	root := os.Getenv("GOROOT")
	if real, err := filepath.EvalSymlinks(goCmd); err == nil && root == "" {
		root = filepath.Dir(filepath.Dir(real))
	}
	if version, err := os.ReadFile(filepath.Join(root, "VERSION")); err == nil {
		return root + "\n" + string(version), nil
	}
	out, err := run(ctx, goCmd, "", nil, "env", "GOROOT", "GOVERSION")
	return string(out), err
}

// selected returns the toolchain that go selects for the module of the working directory,
// in the user's environment, and has by then downloaded: https://go.dev/doc/toolchain.
func selected(ctx context.Context, goCmd string) (string, string, error) {
	cmd := exec.CommandContext(ctx, goCmd, "env", "GOROOT", "GOVERSION")
	out, err := cmd.Output()
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if minor, release := goMinor(version); err != nil || root == "" || release && minor < oldestGo {
		return "", "", hint.With(fmt.Errorf("finding the Go toolchain: %s is older than 1.%d", goCmd, oldestGo),
			fmt.Sprintf("set GOTOOLCHAIN=go1.%d.0 or newer, or KO_GO_PATH to the go command of another version", oldestGo))
	}
	return filepath.Join(root, "bin", "go"), root + "\n" + version, nil
}

// compile runs go build in a directory of its own.
func compile(ctx context.Context, goCmd string, source map[string][]byte, target, flags []string) (binary []byte, err error) {
	dir, err := os.MkdirTemp("", "kohealth-probe-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := unpack(source, dir); err != nil {
		return nil, err
	}
	args := append([]string{"build", "-o", "healthcheck"}, flags...)
	if _, err := run(ctx, goCmd, dir, target, append(args, "./"+probePackage)...); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "healthcheck"))
}

func unpack(source map[string][]byte, dir string) error {
	for name, data := range source {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs go with nothing of the user's settings that could change its output. When
// ctx is done go is interrupted first, not killed: it then removes its own files.
func run(ctx context.Context, goCmd, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, goCmd, args...)
	cmd.Dir = dir
	cmd.Env = append(neutralEnv(os.Environ()), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("running %s %s: %w: %s", goCmd, args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// neutralEnv keeps of Go's variables only those that say where things are.
func neutralEnv(environ []string) []string {
	env := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "GOCACHE", "GOCACHEPROG", "GOROOT", "GOPATH", "GOMODCACHE", "GOTMPDIR":
			return false
		}
		return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_")
	})
	return append(env, "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GO111MODULE=on", "GOPROXY=off", "CGO_ENABLED=0")
}
