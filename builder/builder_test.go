package builder

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

const app = "ko://example.com/app"

// A bench builds an app with real ko on bases in a registry of the test's.
type bench struct {
	host  string
	dir   string // of the app
	cache cache.Dir
	log   []string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	for file, content := range map[string]string{
		"go.mod":  "module example.com/app\n\ngo 1.22\n",
		"main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KO_CONFIG_PATH", "")
	return &bench{host: strings.TrimPrefix(srv.URL, "http://"), dir: dir, cache: cache.Dir(t.TempDir())}
}

// base pushes an image with one layer and exactly this config, but for rootfs.
func (b *bench) base(t testing.TB, config map[string]any, files ...layers.File) string {
	t.Helper()
	l, err := layers.Layer(append(files, layers.File{Path: "/etc/passwd", Mode: 0o644}), types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	diffID, err := l.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	desc, err := partial.Descriptor(l)
	if err != nil {
		t.Fatal(err)
	}
	config["os"], config["architecture"] = "linux", "amd64"
	config["rootfs"] = v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	img, err := oci.New(&v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        v1.Descriptor{MediaType: types.OCIConfigJSON},
		Layers:        []v1.Descriptor{*desc},
	}, raw, []v1.Layer{l})
	if err != nil {
		t.Fatal(err)
	}
	ref := b.host + "/" + strings.ToLower(t.Name()) + ":base"
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	return ref
}

// ko returns ko's own builder.
func (b *bench) ko(t testing.TB, bo options.BuildOptions) build.Interface {
	t.Helper()
	bo.WorkingDirectory, bo.Trimpath = b.dir, true
	inner, err := commands.NewBuilder(t.Context(), &bo)
	if err != nil {
		t.Fatal(err)
	}
	return inner
}

func (b *bench) options(settings health.Settings) Options {
	return Options{
		Check:    func(string) (health.Check, error) { return settings.Check() },
		Compiler: &layers.Compiler{Cache: b.cache},
		Version:  "v1.2.3",
		Cache:    b.cache,
		Logf:     func(format string, args ...any) { b.log = append(b.log, fmt.Sprintf(format, args...)) },
	}
}

func settings(t testing.TB, keys ...string) (s health.Settings) {
	t.Helper()
	for i := 0; i < len(keys); i += 2 {
		if err := s.Set(keys[i], keys[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// build1 builds and expects an image.
func build1(t testing.TB, b build.Interface) cosign.SignedImage {
	t.Helper()
	result, err := b.Build(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	img, ok := result.(cosign.SignedImage)
	if !ok {
		t.Fatalf("result is %T, want an image", result)
	}
	return img
}

func rawOf(t *testing.T, img v1.Image) map[string]any {
	t.Helper()
	raw, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func digests(t *testing.T, img v1.Image) (ds []string) {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Layers {
		ds = append(ds, l.Digest.String())
	}
	return ds
}

func tarNames(t *testing.T, l v1.Layer) (names []string) {
	t.Helper()
	rc, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestBuildAddsBeneathKo(t *testing.T) {
	b := newBench(t)
	base := b.base(t, map[string]any{"config": map[string]any{"User": "65532", "Labels": map[string]string{"a": "b"}, "WorkingDir": "/w"}})
	bo := options.BuildOptions{BaseImage: base, Labels: []string{"c=d"}, Annotations: []string{"e=f"}}
	ko := build1(t, b.ko(t, bo))
	got := build1(t, New(b.ko(t, bo), b.options(settings(t, "test", "http://:8080/"))))

	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	before, after := digests(t, ko), digests(t, got)
	if len(after) != len(before)+2 {
		t.Fatalf("%d layers, want ko's %d and two more", len(after), len(before))
	}
	if diff := cmp.Diff(before, slices.Delete(slices.Clone(after), 1, 3)); diff != "" {
		t.Errorf("layers other than ours, which follow the base's one (-ko +got):\n%s", diff)
	}
	// Without what is ours the config is ko's.
	cfg := rawOf(t, got)
	inner := cfg["config"].(map[string]any)
	want := map[string]any{
		"Test":     []any{"CMD", "/usr/bin/healthcheck", "-timeout=2.7s", "http://:8080/"},
		"Interval": 10e9, "Timeout": 3e9, "StartPeriod": 10e9, "StartInterval": 1e9, "Retries": 3.0,
	}
	if diff := cmp.Diff(any(want), inner["Healthcheck"]); diff != "" {
		t.Errorf("Healthcheck (-want +got):\n%s", diff)
	}
	delete(inner, "Healthcheck")
	koConfig := rawOf(t, ko)
	for _, c := range []map[string]any{cfg, koConfig} {
		delete(c, "history")
		delete(c, "rootfs")
	}
	if diff := cmp.Diff(koConfig, cfg); diff != "" {
		t.Errorf("config without ours (-ko +got):\n%s", diff)
	}
	koManifest, _ := ko.Manifest()
	gotManifest, _ := got.Manifest()
	if diff := cmp.Diff(koManifest.Annotations, gotManifest.Annotations); diff != "" {
		t.Errorf("annotations (-ko +got):\n%s", diff)
	}
}

func TestBuildNamesItsLayers(t *testing.T) {
	b := newBench(t)
	base := b.base(t, map[string]any{"history": []v1.History{{Author: "base", Comment: "etc"}}})
	got := build1(t, New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80"))))
	cf, err := got.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var history []string
	for _, h := range cf.History {
		history = append(history, h.Author+"|"+h.CreatedBy+"|"+h.Comment)
	}
	if diff := cmp.Diff([]string{
		"base||etc",
		"kohealth|kohealth build|health check probe, at /usr/bin/healthcheck",
		"kohealth|kohealth build|health check arguments, at /etc/healthcheck",
		"ko|ko build " + app + "|kodata contents, at $KO_DATA_PATH",
		"ko|ko build " + app + "|go build output, at /ko-app/app",
	}, history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestBuildKeepsWhatKoLoses(t *testing.T) {
	b := newBench(t)
	base := b.base(t, map[string]any{
		"config": map[string]any{
			"StopTimeout": 7, "Memory": 8, "x.inner": map[string]any{"deep": []int{1}},
			"Healthcheck": map[string]any{"Test": []string{"CMD", "/old"}, "StartInterval": 5},
		},
		"x.unknown":        "kept",
		"container_config": map[string]any{"Healthcheck": map[string]any{"Test": []string{"CMD", "/old"}}, "Hostname": "h"},
	})
	got := rawOf(t, build1(t, New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80", "start_interval", "2s")))))
	inner := got["config"].(map[string]any)
	for key, want := range map[string]any{"StopTimeout": 7.0, "Memory": 8.0, "x.inner": map[string]any{"deep": []any{1.0}}} {
		if diff := cmp.Diff(want, inner[key]); diff != "" {
			t.Errorf("config.%s (-want +got):\n%s", key, diff)
		}
	}
	if got["x.unknown"] != "kept" {
		t.Errorf("x.unknown = %v", got["x.unknown"])
	}
	if diff := cmp.Diff(map[string]any{"Hostname": "h"}, got["container_config"]); diff != "" {
		t.Errorf("container_config, where Podman looks first (-want +got):\n%s", diff)
	}
	if si := inner["Healthcheck"].(map[string]any)["StartInterval"]; si != 2e9 {
		t.Errorf("StartInterval = %v, want 2s", si)
	}
	if !slices.ContainsFunc(b.log, func(s string) bool { return strings.Contains(s, "HEALTHCHECK is replaced") }) {
		t.Errorf("nothing said of the base's check: %q", b.log)
	}
}

func TestBuildFollowsLinksOfBase(t *testing.T) {
	b := newBench(t)
	base := b.base(t, map[string]any{},
		layers.File{Path: "/usr", Mode: os.ModeSymlink | 0o777, Linkname: "system"},
		layers.File{Path: "/system", Mode: os.ModeDir | 0o755})
	img := build1(t, New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80"))))
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"system/bin/", "system/bin/healthcheck"}, tarNames(t, all[1])); diff != "" {
		t.Errorf("files of the probe's layer (-want +got):\n%s", diff)
	}
}

func TestBuildIsReproducible(t *testing.T) {
	b := newBench(t)
	bo := options.BuildOptions{BaseImage: b.base(t, map[string]any{})}
	s := settings(t, "test", "tcp://:80")
	first, _ := build1(t, New(b.ko(t, bo), b.options(s))).Digest()
	b.cache = cache.Dir(t.TempDir()) // all from the start
	second, _ := build1(t, New(b.ko(t, bo), b.options(s))).Digest()
	if first != second {
		t.Errorf("digests %s and %s of the same build", first, second)
	}
}

func TestBuildDisabledIsKo(t *testing.T) {
	b := newBench(t)
	bo := options.BuildOptions{BaseImage: b.base(t, map[string]any{"x": 1})}
	ko, _ := build1(t, b.ko(t, bo)).Digest()
	got, _ := build1(t, New(b.ko(t, bo), b.options(settings(t, "disable", "true")))).Digest()
	if got != ko {
		t.Errorf("digest %s, want ko's %s", got, ko)
	}
}

// A fakeBuilder is in the place of ko's.
type fakeBuilder struct {
	build.Interface
	build func(ctx context.Context) (build.Result, error)
}

func (f fakeBuilder) Build(ctx context.Context, _ string) (build.Result, error) { return f.build(ctx) }

// The probe is compiled while ko compiles the app, and nothing of it is left when
// ko fails.
func TestBuildCompilesAhead(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	b := newBench(t)
	opts := b.options(settings(t, "test", "tcp://:80"))
	opts.Platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}}
	compiling := func() bool {
		dirs, _ := filepath.Glob(filepath.Join(tmp, "kohealth-probe-*"))
		return len(dirs) > 0
	}
	failed := errors.New("ko fails")
	ko := fakeBuilder{build: func(ctx context.Context) (build.Result, error) {
		for !compiling() {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
		return nil, failed
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := New(ko, opts).Build(ctx, app); !errors.Is(err, failed) {
		t.Errorf("error %v, want ko's: the probe is not compiled ahead", err)
	}
	if compiling() {
		t.Error("the compilation goes on after the build")
	}
}

func TestPlatformOf(t *testing.T) {
	r := &task{Options: Options{Platforms: []v1.Platform{{OS: "linux", Architecture: "arm", Variant: "v6"}}}}
	for want, cf := range map[string]*v1.ConfigFile{
		"linux/amd64":    {},
		"linux/arm/v6":   {OS: "linux", Architecture: "arm"},
		"linux/arm/v7":   {OS: "linux", Architecture: "arm", Variant: "v7"},
		"linux/arm64/v8": {OS: "linux", Architecture: "arm64", Variant: "v8"},
	} {
		if got := r.platformOf(cf).String(); got != want {
			t.Errorf("platform %q, want %q", got, want)
		}
	}
}

// An index says more about a platform than the config of its image need say.
func TestBuildCompilesForIndexPlatform(t *testing.T) {
	b := newBench(t)
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "arm", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	idx := v1.ImageIndex(empty.Index)
	for _, variant := range []string{"v6", "v7"} {
		child := mutate.Annotations(img, map[string]string{"v": variant}).(v1.Image)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: child, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: "arm", Variant: variant}}})
	}
	tag, err := name.NewTag(b.host + "/arm:latest")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, idx); err != nil {
		t.Fatal(err)
	}
	bo := options.BuildOptions{BaseImage: tag.String(), Platforms: []string{"linux/arm/v6", "linux/arm/v7"}}
	result, err := New(b.ko(t, bo), b.options(settings(t, "test", "tcp://:80"))).Build(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	im, err := result.(v1.ImageIndex).IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var probes []string
	for _, d := range im.Manifests {
		img, err := result.(v1.ImageIndex).Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, digests(t, img)[0])
	}
	if len(probes) != 2 || probes[0] == probes[1] {
		t.Errorf("layers %q of arm/v6 and arm/v7 are the same probe", probes)
	}
}

func TestBuildProbeAsProgram(t *testing.T) {
	b := newBench(t)
	bo := options.BuildOptions{BaseImage: b.base(t, map[string]any{})}
	img := build1(t, New(b.ko(t, bo), b.options(settings(t, "test", `["CMD", "/usr/bin/healthcheck", "tcp://:80"]`))))
	check := rawOf(t, img)["config"].(map[string]any)["Healthcheck"].(map[string]any)
	if diff := cmp.Diff([]any{"CMD", "/usr/bin/healthcheck", "-timeout=2.7s", "tcp://:80"}, check["Test"]); diff != "" {
		t.Errorf("Test (-want +got):\n%s", diff)
	}
	_, err := New(b.ko(t, bo), b.options(settings(t, "test", `["CMD", "/usr/bin/healthcheck"]`))).Build(t.Context(), app)
	if err == nil || !strings.Contains(err.Error(), "the probe would have no arguments") {
		t.Errorf("error %v of a check that could never pass", err)
	}
}

func TestBuildOnOwnBase(t *testing.T) {
	b := newBench(t)
	s := settings(t, "test", "tcp://:80")
	first := build1(t, New(b.ko(t, options.BuildOptions{BaseImage: b.base(t, map[string]any{
		"history": []v1.History{{Author: "base"}}})}), b.options(s)))
	again := b.host + "/again:latest"
	tag, err := name.NewTag(again)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, mutate.Annotations(first, nil).(v1.Image)); err != nil {
		t.Fatal(err)
	}
	second := build1(t, New(b.ko(t, options.BuildOptions{BaseImage: again}), b.options(s)))
	cf, err := second.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	ours := slices.DeleteFunc(cf.History, func(h v1.History) bool { return !oci.IsMark(h) })
	if len(ours) != 2 {
		t.Errorf("%d layers of ours after building on our own result, want 2", len(ours))
	}
}
