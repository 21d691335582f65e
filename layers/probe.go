package layers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers/cache"
)

// A Variant is the probe with a choice of features. What a check does not need is
// not compiled in: TLS alone triples the probe's size.
type Variant string

// Variants of the probe.
const (
	Plain Variant = "plain" // checks all that needs no TLS
	TLS   Variant = "tls"   // checks https and grpcs as well
)

// tags returns the build tags of a variant, or "" if there is no such variant.
func (v Variant) tags() string {
	return map[Variant]string{Plain: "probe", TLS: "probe,tls"}[v]
}

// ErrUnsupportedPlatform says that there is no probe for a platform.
var ErrUnsupportedPlatform = errors.New("no probe for this platform")

//go:embed probe/*.go
var probeSource embed.FS

// goMod is the go.mod that the probe is compiled with. Its module is kohealth's, so
// that scanners find the probe's origin in its build information. Its language
// version bounds from below the toolchains that can compile it.
const goMod = "module github.com/ko-health/kohealth\n\ngo 1.22\n"

const probePackage = "layers/probe"

// A Compiler compiles the probe from the source that kohealth carries. It may be
// used by several goroutines at once.
type Compiler struct {
	Go    string    // the go command, as FindGo finds it; "" means that of PATH
	Cache cache.Dir // keeps compiled probes and compressed layers

	// Logf is told what takes a while; nil means nobody.
	Logf func(format string, args ...any)

	// Begin is called when a compilation begins, and end when it has ended; nil means
	// that nobody wants to know.
	Begin func() (end func())

	mu    sync.Mutex
	calls map[string]*call // by variant and target
}

// A call is a compilation that has been asked for, perhaps more than once.
type call struct {
	done        chan struct{} // closed when the rest is there
	binary      []byte
	err         error
	interrupted bool // err is that of the caller who compiled, and of nobody else
}

// Probe returns the probe for a platform, compiled with the Go toolchain or kept
// from an earlier time. The same source, toolchain, platform and variant give the
// same bytes on every machine. Platforms without a probe are ErrUnsupportedPlatform.
func (c *Compiler) Probe(ctx context.Context, platform v1.Platform, variant Variant) ([]byte, error) {
	target, err := goTarget(platform)
	if err != nil {
		return nil, fmt.Errorf("compiling probe for %q: %w", platform, err)
	}
	if variant.tags() == "" {
		return nil, fmt.Errorf("compiling probe for %q: unknown variant %q", platform, variant)
	}
	binary, err := c.share(ctx, target, variant)
	if err != nil {
		return nil, fmt.Errorf("compiling probe for %q: %w", platform, err)
	}
	return binary, nil
}

// HostProbe returns the probe for this machine, whatever its system. It takes for the
// app what runs from a directory, whose name ends with a slash. Nothing of it is kept,
// since the directory is hardly the same again.
func (c *Compiler) HostProbe(ctx context.Context, variant Variant, appDir string) ([]byte, error) {
	goCmd, err := FindGo(c.Go)
	if err != nil {
		return nil, err
	}
	source, err := probeFiles()
	if err != nil {
		return nil, err
	}
	flags := buildFlags(variant)
	flags[len(flags)-1] += " '-X=main.appDir=" + appDir + "'"
	if c.Begin != nil {
		defer c.Begin()()
	}
	binary, err := compile(ctx, goCmd, source, []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}, flags)
	if err != nil {
		return nil, fmt.Errorf("compiling probe for this machine: %w", err)
	}
	return binary, nil
}

// share compiles for a target, or waits for whoever does so already. A failure is that
// of all who have waited for it, unless it was the interruption of whoever compiled. It
// is tried again by the next who asks.
func (c *Compiler) share(ctx context.Context, target []string, variant Variant) ([]byte, error) {
	key := string(variant) + " " + strings.Join(target, " ")
	for {
		c.mu.Lock()
		running, ok := c.calls[key]
		if !ok {
			running = c.start(key)
		}
		c.mu.Unlock()
		if !ok {
			running.binary, running.err = c.load(ctx, target, variant)
			running.interrupted = running.err != nil && ctx.Err() != nil
			c.finish(key, running)
			return running.binary, running.err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-running.done:
		}
		if !running.interrupted {
			return running.binary, running.err
		}
	}
}

func (c *Compiler) start(key string) *call {
	if c.calls == nil {
		c.calls = map[string]*call{}
	}
	c.calls[key] = &call{done: make(chan struct{})}
	return c.calls[key]
}

func (c *Compiler) finish(key string, running *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if running.err != nil {
		delete(c.calls, key)
	}
	close(running.done)
}

func (c *Compiler) load(ctx context.Context, target []string, variant Variant) ([]byte, error) {
	goCmd, toolchain, err := c.toolchain(ctx)
	if err != nil {
		return nil, err
	}
	source, err := probeFiles()
	if err != nil {
		return nil, err
	}
	dir := c.Cache.Sub("probe")
	flags := buildFlags(variant)
	key := probeKey(source, toolchain, target, flags)
	if binary, ok := dir.Get(key); ok {
		return binary, nil
	}
	if c.Logf != nil {
		c.Logf("health: compiling the probe (once): %s", strings.Join(target, " "))
	}
	if c.Begin != nil {
		defer c.Begin()()
	}
	binary, err := compile(ctx, goCmd, source, target, flags)
	if err == nil {
		_ = dir.Put(key, binary) // it is only slower without
	}
	return binary, err
}

// Layer is the function [Layer] with a cache of compressed layers. What compresses to
// which bytes is up to the Go that kohealth was compiled with.
func (c *Compiler) Layer(files []File, mediaType types.MediaType) (v1.Layer, error) {
	return cachedLayer(c.Cache.Sub("layers-"+runtime.Version()), files, mediaType)
}

// goTarget returns the environment that selects a platform, in ko's own way: an arm
// without a variant is whatever Go takes it for, version 7.
func goTarget(p v1.Platform) ([]string, error) {
	architectures := []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}
	if p.OS != "linux" || !slices.Contains(architectures, p.Architecture) {
		return nil, hint.With(ErrUnsupportedPlatform, "name other platforms with --platform, or leave the check out with --no-healthcheck")
	}
	target := []string{"GOOS=" + p.OS, "GOARCH=" + p.Architecture}
	if p.Architecture != "arm" {
		return target, nil
	}
	switch p.Variant {
	case "v5", "v6":
		return append(target, "GOARM="+p.Variant[1:]), nil
	case "", "v7", "v8":
		return append(target, "GOARM=7"), nil
	}
	return nil, ErrUnsupportedPlatform
}

// probeFiles returns the probe's source: file name to content.
func probeFiles() (map[string][]byte, error) {
	files := map[string][]byte{"go.mod": []byte(goMod)}
	add := func(fsys fs.FS, pattern, dir string) error {
		names, err := fs.Glob(fsys, pattern)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			if files[filepath.Join(dir, name)], err = fs.ReadFile(fsys, name); err != nil {
				break
			}
		}
		return err
	}
	return files, errors.Join(
		add(probeSource, "probe/*.go", "layers"),
		add(health.CmdlineSource(), "cmdline/*.go", "builder/health"),
	)
}

func probeKey(source map[string][]byte, toolchain string, target, flags []string) string {
	h := sha256.New()
	names := make([]string, 0, len(source))
	for name := range source {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, "%q %q\n", name, source[name])
	}
	fmt.Fprintf(h, "%q %q %q", toolchain, target, flags)
	return hex.EncodeToString(h.Sum(nil))
}

// buildFlags make a small binary that holds nothing of the machine it was made on.
// The tag probe leaves out package time; without inlining the layer is a tenth
// smaller, at no speed that can be measured.
func buildFlags(variant Variant) []string {
	return []string{"-trimpath", "-buildvcs=false", "-tags=" + variant.tags(), "-gcflags=all=-l", "-ldflags=-s -w -buildid="}
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

// toolchain finds the go command and what tells its version from others: where it
// lies and the VERSION file of its GOROOT. Only where there is no such file, as
// with the shims of version managers, go is started to ask it.
func (c *Compiler) toolchain(ctx context.Context) (goCmd, id string, err error) {
	goCmd, err = FindGo(c.Go)
	if err != nil {
		return "", "", err
	}
	root := os.Getenv("GOROOT")
	if real, err := filepath.EvalSymlinks(goCmd); err == nil && root == "" {
		root = filepath.Dir(filepath.Dir(real))
	}
	if version, err := os.ReadFile(filepath.Join(root, "VERSION")); err == nil {
		return goCmd, root + "\n" + string(version), nil
	}
	out, err := run(ctx, goCmd, "", nil, "env", "GOROOT", "GOVERSION")
	return goCmd, string(out), err
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
