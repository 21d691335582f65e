package layers

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

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

// errUnsupportedPlatform says that there is no probe for a platform.
var errUnsupportedPlatform = errors.New("no probe for this platform")

//go:embed probe/*.go probe/*.s
var probeSource embed.FS

// goMod is the go.mod that the probe is compiled with. Its module is kohealth's, so
// that scanners find the probe's origin in its build information. Its language
// version bounds from below the toolchains that can compile it.
var goMod = fmt.Sprintf("module github.com/ko-health/kohealth\n\ngo 1.%d\n", oldestGo)

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
	newer sync.Once        // says that Go is newer than newestEarly
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
// same bytes on every machine. A platform without a probe is an error.
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
	goCmd, toolchain, err := c.toolchain(ctx)
	if err != nil {
		return nil, err
	}
	source, err := probeFiles()
	if err != nil {
		return nil, err
	}
	target := append([]string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}, smaller(toolchain)...)
	flags := buildFlags(variant, beginsEarly(toolchain, target))
	flags[len(flags)-1] += " '-X=main.appDir=" + appDir + "'"
	if c.Begin != nil {
		defer c.Begin()()
	}
	binary, err := compile(ctx, goCmd, source, target, flags)
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
	flags := buildFlags(variant, beginsEarly(toolchain, target))
	env := append(slices.Clone(target), smaller(toolchain)...)
	key := probeKey(source, toolchain, env, flags)
	if binary, ok := dir.Get(key); ok {
		return binary, nil
	}
	c.tell(toolchain, target)
	if c.Begin != nil {
		defer c.Begin()()
	}
	binary, err := compile(ctx, goCmd, source, env, flags)
	if err == nil {
		_ = dir.Put(key, binary) // it is only slower without
	}
	return binary, err
}

// tell says what is compiled, and once if the toolchain is newer than the early part knows.
func (c *Compiler) tell(toolchain string, target []string) {
	if c.Logf == nil {
		return
	}
	c.Logf("health: compiling the probe (once): %s", strings.Join(target, " "))
	if minor, release := goMinor(toolchain); hasEarly(target) && (!release || minor > newestEarly) {
		c.newer.Do(func() {
			c.Logf("health: this Go is newer than 1.%d, the newest known: a check takes a millisecond more", newestEarly)
		})
	}
}

// Layer is the function [Layer] with a cache of compressed layers. What compresses to
// which bytes is up to the Go that kohealth was compiled with.
func (c *Compiler) Layer(files []File, mediaType types.MediaType) (v1.Layer, error) {
	return cachedLayer(c.Cache.Sub("layers-"+runtime.Version()), files, mediaType)
}

// goTarget returns the environment that selects a platform, in ko's own way: an arm
// without a variant is whatever Go takes it for, version 7.
func goTarget(p v1.Platform) ([]string, error) {
	architectures := map[string][]string{
		"linux":   {"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"},
		"windows": {"amd64", "arm64"},
	}
	if !slices.Contains(architectures[p.OS], p.Architecture) {
		return nil, hint.With(errUnsupportedPlatform, "name other platforms with --platform, or leave the check out with --no-healthcheck")
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
	return nil, errUnsupportedPlatform
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
		add(probeSource, "probe/*.s", "layers"),
		add(health.ProbeargsSource(), "probeargs/*.go", "builder/health"),
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
// The tag probe leaves out package time. Without inlining the layer is a tenth smaller,
// which makes no difference in speed that can be measured. A binary that begins early
// begins with what stands in probe/early_linux.go.
func buildFlags(variant Variant, early bool) []string {
	link := "-ldflags=-s -w -buildid="
	if early {
		link += " -E=main.enterEarly"
	}
	return []string{"-trimpath", "-buildvcs=false", "-tags=" + variant.tags(), "-gcflags=all=-l", link}
}
