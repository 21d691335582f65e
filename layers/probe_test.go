package layers

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers/cache"
)

func linux(arch string) v1.Platform { return v1.Platform{OS: "linux", Architecture: arch} }

// A toolchain is a GOROOT whose go command writes down that it was started.
type toolchain struct{ root string }

func newToolchain(t *testing.T, version, script string) toolchain {
	t.Helper()
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	tc := toolchain{t.TempDir()}
	script = fmt.Sprintf("#!/bin/sh\necho run >>%q\n", tc.log()) + strings.ReplaceAll(script, "REAL", real)
	for name, content := range map[string]string{"bin/go": script, "VERSION": version} {
		name = filepath.Join(tc.root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOROOT", "")
	return tc
}

const realGo = `exec "REAL" "$@"`

func (tc toolchain) log() string   { return filepath.Join(tc.root, "log") }
func (tc toolchain) goCmd() string { return filepath.Join(tc.root, "bin", "go") }

func (tc toolchain) starts() int {
	log, _ := os.ReadFile(tc.log())
	return bytes.Count(log, []byte("run"))
}

func TestProbeIsKept(t *testing.T) {
	tc, dir := newToolchain(t, "go1.99", realGo), cache.Dir(t.TempDir())
	first, err := (&Compiler{Go: tc.goCmd(), Cache: dir}).Probe(t.Context(), linux("amd64"), Plain)
	if err != nil {
		t.Fatal(err)
	}
	if tc.starts() != 1 {
		t.Errorf("go was started %d times, want once", tc.starts())
	}
	again, err := (&Compiler{Go: tc.goCmd(), Cache: dir}).Probe(t.Context(), linux("amd64"), Plain)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("another probe the second time: %v", err)
	}
	if tc.starts() != 1 {
		t.Errorf("go was started again for a probe that is kept")
	}
	if err := os.WriteFile(filepath.Join(tc.root, "VERSION"), []byte("go1.98"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Compiler{Go: tc.goCmd(), Cache: dir}).Probe(t.Context(), linux("amd64"), Plain); err != nil {
		t.Fatal(err)
	}
	if tc.starts() != 2 {
		t.Errorf("go was not started for another version")
	}
}

func TestProbeAsksShim(t *testing.T) {
	tc := newToolchain(t, "", realGo)
	if err := os.Remove(filepath.Join(tc.root, "VERSION")); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Compiler{Go: tc.goCmd()}).Probe(t.Context(), linux("amd64"), Plain); err != nil {
		t.Fatal(err)
	}
	if tc.starts() != 2 { // env, build
		t.Errorf("go was started %d times, want 2", tc.starts())
	}
}

func TestProbeSideBySide(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	compilers := []*Compiler{{Cache: dir}, {Cache: dir}}
	probes := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range probes {
		wg.Go(func() {
			var err error
			if probes[i], err = compilers[i%2].Probe(t.Context(), linux("amd64"), Plain); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range probes {
		if !bytes.Equal(probes[i], probes[0]) {
			t.Errorf("probe %d differs", i)
		}
	}
	left, err := filepath.Glob(filepath.Join(string(dir), "probe", ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %q, %v", left, err)
	}
}

// TestProbeEveryPlatform compiles for all platforms, twice from the start, and looks
// at what came out.
func TestProbeEveryPlatform(t *testing.T) {
	for _, tt := range []struct {
		platform v1.Platform
		machine  elf.Machine
	}{
		{linux("amd64"), elf.EM_X86_64},
		{linux("arm64"), elf.EM_AARCH64},
		{v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}, elf.EM_AARCH64},
		{v1.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, elf.EM_ARM},
		{v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, elf.EM_ARM},
		{linux("386"), elf.EM_386},
		{linux("ppc64le"), elf.EM_PPC64},
		{linux("riscv64"), elf.EM_RISCV},
		{linux("s390x"), elf.EM_S390},
		{linux("loong64"), elf.EM_LOONGARCH},
		{linux("mips64le"), elf.EM_MIPS},
	} {
		t.Run(tt.platform.String(), func(t *testing.T) {
			first, err := new(Compiler).Probe(t.Context(), tt.platform, Plain)
			if err != nil {
				t.Fatal(err)
			}
			second, err := new(Compiler).Probe(t.Context(), tt.platform, Plain)
			if err != nil || !bytes.Equal(first, second) {
				t.Errorf("the second probe differs: %v", err)
			}
			f, err := elf.NewFile(bytes.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			if f.Machine != tt.machine {
				t.Errorf("machine %v, want %v", f.Machine, tt.machine)
			}
			if libs, _ := f.ImportedLibraries(); len(libs) > 0 || f.Section(".interp") != nil {
				t.Errorf("it is not static: %q", libs)
			}
		})
	}
}

// A cache that cannot be written costs time, not the build.
func TestProbeWithoutCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := &Compiler{Cache: cache.Dir(filepath.Join(file, "below"))}
	if _, err := c.Probe(t.Context(), linux("amd64"), Plain); err != nil {
		t.Error(err)
	}
	if _, err := c.Layer([]File{{Path: "/a", Mode: 0o444}}, types.OCILayer); err != nil {
		t.Error(err)
	}
}

// What failed because somebody was interrupted is tried again for the next.
func TestProbeAfterInterrupt(t *testing.T) {
	c := new(Compiler)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Probe(ctx, linux("amd64"), Plain); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := c.Probe(t.Context(), linux("amd64"), Plain); err != nil {
		t.Error(err)
	}
}

// TestProbeFailureIsShared shows that those who wait for a compilation which fails do
// not try it again, one after the other; only if whoever compiled was interrupted.
func TestProbeFailureIsShared(t *testing.T) {
	broken := errors.New("it is broken")
	for _, interrupted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := &Compiler{Go: "/nowhere/go"} // trying again says so
			running := c.start(string(Plain) + " GOOS=linux GOARCH=amd64")
			errs := make(chan error)
			for range 3 {
				go func() {
					_, err := c.Probe(t.Context(), linux("amd64"), Plain)
					errs <- err
				}()
			}
			synctest.Wait() // until all wait
			running.err, running.interrupted = broken, interrupted
			c.finish(string(Plain)+" GOOS=linux GOARCH=amd64", running)
			for range 3 {
				if err := <-errs; errors.Is(err, broken) == interrupted {
					t.Errorf("interrupted %v: error %v", interrupted, err)
				}
			}
		})
	}
}

// TestProbeVariants compiles all variants with one compiler, and looks at what a check
// has to pay for.
func TestProbeVariants(t *testing.T) {
	c := Compiler{Cache: cache.Dir(t.TempDir())}
	for _, tt := range []struct {
		variant  Variant
		from, to int // bytes
	}{{Plain, 0, 1_480_000}, {TLS, 3_000_000, 4_400_000}, {Plain, 0, 1_480_000}} {
		for _, c := range []*Compiler{&c, {Cache: c.Cache}} {
			binary, err := c.Probe(t.Context(), linux("amd64"), tt.variant)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(binary); n < tt.from || n > tt.to {
				t.Errorf("%s has %d bytes, want at most %d and at least %d", tt.variant, n, tt.to, tt.from)
			}
		}
	}
}

// TestHostProbe runs the probe for this machine, which looks for the app where it is told
// to: here, for the test itself.
func TestHostProbe(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("auto needs Linux")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for dir, want := range map[string]string{
		filepath.Dir(self) + "/":     "accepts on " + l.Addr().String(),
		filepath.Dir(self) + "/a b/": "unhealthy: auto: ",
	} {
		binary, err := new(Compiler).HostProbe(t.Context(), Plain, dir)
		if err != nil {
			t.Fatal(err)
		}
		probe := filepath.Join(t.TempDir(), "healthcheck")
		if err := os.WriteFile(probe, binary, 0o755); err != nil {
			t.Fatal(err)
		}
		said, _ := exec.Command(probe, "-log=false", "-v", "auto").CombinedOutput()
		if !strings.Contains(string(said), want) {
			t.Errorf("in %s: %q, want %q", dir, said, want)
		}
	}
}

// TestProbeIsVetted vets the probe, without its tests, for all that it is compiled for
// and for the systems on which it takes the ways of package net.
func TestProbeIsVetted(t *testing.T) {
	source, err := probeFiles()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := unpack(source, dir); err != nil {
		t.Fatal(err)
	}
	goCmd, err := FindGo("")
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range strings.Fields("linux/386 linux/amd64 linux/arm linux/arm64 linux/loong64 linux/mips64le " +
		"linux/ppc64le linux/riscv64 linux/s390x darwin/arm64 windows/amd64 windows/arm64") {
		goos, arch, _ := strings.Cut(platform, "/")
		for _, variant := range []Variant{Plain, TLS} {
			if variant == TLS && platform != "linux/amd64" {
				continue // what TLS adds is the same everywhere, and crypto/tls takes long
			}
			env := []string{"GOOS=" + goos, "GOARCH=" + arch}
			if _, err := run(t.Context(), goCmd, dir, env, "vet", "-tags="+variant.tags(), "./"+probePackage); err != nil {
				t.Errorf("%s %s: %v", platform, variant, err)
			}
		}
	}
}

func TestProbeErrors(t *testing.T) {
	for _, p := range []v1.Platform{linux("sparc64"), {OS: "windows", Architecture: "386"}, {OS: "darwin", Architecture: "arm64"}, {OS: "linux", Architecture: "arm", Variant: "x"}} {
		if _, err := new(Compiler).Probe(t.Context(), p, Plain); !errors.Is(err, errUnsupportedPlatform) {
			t.Errorf("%v: error %v, want errUnsupportedPlatform", p, err)
		}
	}
	if _, err := new(Compiler).Probe(t.Context(), linux("amd64"), "fat"); err == nil {
		t.Error("an unknown variant is compiled")
	}
	_, err := (&Compiler{Go: "/nowhere/go"}).Probe(t.Context(), linux("amd64"), Plain)
	if err == nil || hint.Of(err) == "" {
		t.Errorf("without Go: %v, hint %q", err, hint.Of(err))
	}
	broken := newToolchain(t, "go1.99", "echo it is broken >&2; exit 1")
	if _, err := (&Compiler{Go: broken.goCmd()}).Probe(t.Context(), linux("amd64"), Plain); err == nil || !strings.Contains(err.Error(), "it is broken") {
		t.Errorf("error %v does not say what go said", err)
	}
}

func TestProbeInterrupted(t *testing.T) {
	tmp, dir := t.TempDir(), cache.Dir(t.TempDir())
	t.Setenv("TMPDIR", tmp)
	started := filepath.Join(t.TempDir(), "started")
	tc := newToolchain(t, "go1", "mkfifo "+started+".never; echo >"+started+"; exec cat "+started+".never")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := (&Compiler{Go: tc.goCmd(), Cache: dir}).Probe(ctx, linux("amd64"), Plain)
		done <- err
	}()
	for {
		if _, err := os.Stat(started); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	for _, d := range []string{tmp, string(dir)} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", d, left, err)
		}
	}
}

func TestCachedLayerHeals(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	files := []File{{Path: "/a", Mode: 0o444, Content: []byte("content")}}
	want, err := Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	wantDigest, _ := want.Digest()
	diffID, _ := want.DiffID()
	for _, damage := range []string{"", "not gzip"} {
		if err := os.WriteFile(filepath.Join(string(dir), diffID.Hex), []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := cachedLayer(dir, files, types.OCILayer)
			if err != nil {
				t.Fatal(err)
			}
			if d, _ := got.Digest(); d != wantDigest {
				t.Errorf("digest %s, want %s", d, wantDigest)
			}
		}
	}
}
