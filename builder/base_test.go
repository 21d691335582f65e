package builder

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/google/ko/pkg/build"
	specs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
)

// originalImage returns an image of so many layers with exactly this config, but for rootfs.
func originalImage(t *testing.T, layers int, config map[string]any) v1.Image {
	t.Helper()
	img, err := random.Image(16, int64(layers), random.WithSource(zeroes{}))
	if err != nil {
		t.Fatal(err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config["os"], config["architecture"], config["rootfs"] = "linux", "amd64", cf.RootFS
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	out, err := oci.New(m, raw, all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type zeroes struct{}

func (zeroes) Int63() int64 { return 0 }
func (zeroes) Seed(int64)   {}

// addTo rewrites images as kohealth base does.
func (b *bench) addTo(t *testing.T, set *images.Set, keys ...string) build.Result {
	t.Helper()
	set.Reference = "example.com/original:v1"
	out, err := Base(t.Context(), set, BaseOptions{Options: b.options(settings(t, keys...)), SBOM: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func digestOf(t *testing.T, r build.Result) v1.Hash {
	t.Helper()
	h, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestBaseAgain checks that Base changes nothing of its own result, even if the image
// has no history to tell layers apart, or config fields that nobody knows.
func TestBaseAgain(t *testing.T) {
	b := newBench(t)
	for name, config := range map[string]map[string]any{
		"no history":   {"x.unknown": 1, "config": map[string]any{"StopTimeout": 7}},
		"history":      {"history": []v1.History{{Comment: "a"}, {Comment: "b"}, {EmptyLayer: true}}, "created": "2020-01-02T03:04:05Z"},
		"null history": {"history": nil, "config": nil},
	} {
		t.Run(name, func(t *testing.T) {
			first := b.addTo(t, &images.Set{Image: originalImage(t, 2, config)}, "test", "tcp://:80")
			if err := validate.Image(first.(v1.Image)); err != nil {
				t.Error(err)
			}
			raw := rawOf(t, first.(v1.Image))
			if config["x.unknown"] != nil && (raw["x.unknown"] != 1.0 || raw["config"].(map[string]any)["StopTimeout"] != 7.0) {
				t.Errorf("unknown fields are lost: %v", raw)
			}
			if got := len(raw["history"].([]any)); got < 5 {
				t.Errorf("the history has %d entries for 4 layers and the check", got)
			}
			for _, keys := range [][]string{nil, {"test", "tcp://:80"}} {
				again := b.addTo(t, &images.Set{Image: first.(v1.Image)}, keys...)
				if digestOf(t, again) != digestOf(t, first) {
					t.Errorf("settings %q: another image the second time", keys)
				}
			}
		})
	}
}

// TestBaseRenewsProbe takes a result whose probe is another kohealth's.
func TestBaseRenewsProbe(t *testing.T) {
	b := newBench(t)
	want := b.addTo(t, &images.Set{Image: originalImage(t, 1, map[string]any{})}, "test", "tcp://:80", "interval", "7s", "log", "false").(v1.Image)
	img, err := oci.Read(want)
	if err != nil {
		t.Fatal(err)
	}
	old, err := random.Layer(8, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	img.SplitAtTop()
	img.DropMarked()
	if err := img.Insert(old, oci.ProbeMark+", at /usr/bin/healthcheck"); err != nil {
		t.Fatal(err)
	}
	img.MarkBase()
	stale, err := img.Assemble(oci.KeepFormat)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.addTo(t, &images.Set{Image: stale}); digestOf(t, got) != digestOf(t, want) {
		t.Errorf("layers are %v, want %v", digests(t, got.(v1.Image)), digests(t, want))
	}
	if !slices.ContainsFunc(b.log, func(s string) bool { return strings.Contains(s, "nothing is configured") }) {
		t.Errorf("nothing said of the check that stays: %q", b.log)
	}
}

// TestBaseShortForm takes a result whose check is the probe without arguments and without
// numbers, as a Dockerfile writes it: it goes on checking the same, with Docker's numbers.
func TestBaseShortForm(t *testing.T) {
	b := newBench(t)
	first := b.addTo(t, &images.Set{Image: originalImage(t, 1, map[string]any{})}, "test", "tcp://:80").(v1.Image)
	img, err := oci.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Config.SetHealthcheck(map[string]any{"Test": []string{"CMD", health.ProbePath}}); err != nil {
		t.Fatal(err)
	}
	short, err := img.Assemble(oci.KeepFormat)
	if err != nil {
		t.Fatal(err)
	}
	got := b.addTo(t, &images.Set{Image: short}).(v1.Image)
	want := map[string]any{"Test": []any{"CMD", health.ProbePath, "-timeout=2.7s", "tcp://:80"}, "Interval": 30e9, "Timeout": 30e9, "Retries": 3.0}
	if diff := cmp.Diff(any(want), rawOf(t, got)["config"].(map[string]any)["Healthcheck"]); diff != "" {
		t.Errorf("Healthcheck (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(digests(t, first), digests(t, got)); diff != "" {
		t.Errorf("layers (-before +after):\n%s", diff)
	}
}

// TestBaseWithoutPath adds checks that name a program of an image without a PATH: engines
// look for it in their own.
func TestBaseWithoutPath(t *testing.T) {
	b := newBench(t)
	l, err := layers.Layer([]layers.File{{Path: "/bin/true", Mode: 0o755, Content: []byte("\x7fELF")}}, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	for program, ok := range map[string]bool{"true": true, "nosuch": false} {
		_, err := Base(t.Context(), &images.Set{Image: imageOf(t, l, l)}, BaseOptions{Options: b.options(settings(t, "test", `["CMD", "`+program+`"]`))})
		if (err == nil) != ok {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// TestBaseNamesOriginal checks annotations of an index, its images and their entries.
func TestBaseNamesOriginal(t *testing.T) {
	b := newBench(t)
	img := originalImage(t, 1, map[string]any{})
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: img,
		Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: "amd64"},
			Annotations: map[string]string{
				"k": "v", specs.AnnotationBaseImageName: "scratch", specs.AnnotationBaseImageDigest: "sha256:0",
			},
		},
	})
	set := &images.Set{Index: idx, Digest: digestOf(t, idx)}
	named := func(d v1.Hash) map[string]string {
		return map[string]string{specs.AnnotationBaseImageName: "example.com/original:v1", specs.AnnotationBaseImageDigest: d.String()}
	}
	check := func(out v1.ImageIndex) {
		t.Helper()
		im, err := out.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		child, err := out.Image(im.Manifests[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		m, err := child.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		entry := named(digestOf(t, img))
		entry["k"] = "v"
		if diff := cmp.Diff([]map[string]string{named(set.Digest), entry, named(digestOf(t, img))},
			[]map[string]string{im.Annotations, im.Manifests[0].Annotations, m.Annotations}); diff != "" {
			t.Errorf("annotations of index, entry and image (-want +got):\n%s", diff)
		}
	}
	first := b.addTo(t, set, "test", "tcp://:80").(v1.ImageIndex)
	check(first)
	check(b.addTo(t, &images.Set{Index: first, Digest: digestOf(t, first)}, "test", "tcp://:81").(v1.ImageIndex))
}

func TestFindsApp(t *testing.T) {
	for _, tt := range []struct {
		entrypoint, cmd []string
		ok              bool
	}{
		{nil, nil, true},
		{nil, []string{"/bin/sh"}, true},
		{[]string{"/bin/bash", "-l"}, nil, true},
		{[]string{"busybox", "sh"}, nil, true},
		{[]string{"/ko-app/app"}, []string{"-x"}, true},
		{[]string{"tini", "--", "/ko-app/app"}, nil, true},
		{nil, []string{"nginx", "-g", "daemon off;"}, false},
		{nil, []string{"/bin/sh", "-c", "app"}, false},
		{nil, []string{"/bin/sh", "-c", "bash"}, false},
		{[]string{"/bin/sh"}, []string{"/start.sh"}, false},
		{[]string{"/entrypoint.sh"}, []string{"bash"}, false},
	} {
		config := oci.Config{}
		if err := config.Set("config", map[string]any{"Entrypoint": tt.entrypoint, "Cmd": tt.cmd}); err != nil {
			t.Fatal(err)
		}
		if err := findsApp(health.Check{}, config); (err == nil) != tt.ok {
			t.Errorf("%q %q: %v", tt.entrypoint, tt.cmd, err)
		}
		if err := findsApp(health.Check{TestChosen: true}, config); err != nil {
			t.Errorf("%q %q, chosen: %v", tt.entrypoint, tt.cmd, err)
		}
	}
	if err := findsApp(health.Check{}, oci.Config{"config": json.RawMessage(`{"Cmd": 1}`)}); err == nil {
		t.Error("a Cmd that is a number is taken")
	}
}
