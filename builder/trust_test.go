package builder

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

func symlink(path, target string) layers.File {
	return layers.File{Path: path, Mode: os.ModeSymlink | 0o777, Linkname: target}
}

// TestBuildKeepsProbeAndArguments builds on bases whose links lead what is added astray:
// either the image has the probe and its arguments where they belong, or there is none.
func TestBuildKeepsProbeAndArguments(t *testing.T) {
	for name, tt := range map[string]struct {
		links []layers.File
		want  string // of the error
	}{
		"arguments over the probe":  {[]layers.File{symlink("/etc", "/usr/bin")}, `adding "/etc/healthcheck": links of the base image lead to "/usr/bin/healthcheck"`},
		"probe and arguments meet":  {[]layers.File{symlink("/etc", "/opt"), symlink("/usr/bin", "/opt")}, `adding "/etc/healthcheck"`},
		"probe beside the app":      {[]layers.File{symlink("/usr/bin", "/ko-app")}, `adding "/usr/bin/healthcheck": links of the base image lead to "/ko-app/healthcheck", which ko fills`},
		"arguments among ko's data": {[]layers.File{symlink("/etc", "/var/run/ko")}, `adding "/etc/healthcheck": links of the base image lead to "/var/run/ko/healthcheck", which ko fills`},
		"data by another name":      {[]layers.File{symlink("/var/run", "/run"), symlink("/etc", "/run/ko")}, `which ko fills`},
		"away and back":             {[]layers.File{symlink("/usr", "/opt"), symlink("/etc", "/opt/etc")}, ""},
		"the app by another name":   {[]layers.File{symlink("/ko-app", "/usr/bin")}, ""}, // ko's directory takes its place
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			base := b.baseOf(t, tt.links)
			result, err := New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80"))).Build(t.Context(), app)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			all, err := result.(v1.Image).Layers()
			if err != nil {
				t.Fatal(err)
			}
			fsys, err := rootfs.Read(all, "")
			if err != nil {
				t.Fatal(err)
			}
			probe, err := fsys.ReadFile(health.ProbePath, limits.Program)
			if err != nil || !strings.HasPrefix(string(probe), "\x7fELF") {
				t.Errorf("the probe holds %.20q, %v", probe, err)
			}
			args, err := fsys.ReadFile(health.ArgsPath, limits.Document)
			if err != nil || !strings.Contains(string(args), "tcp://:80") {
				t.Errorf("the arguments are %q, %v", args, err)
			}
		})
	}
}

// baseOf pushes a base of these files alone.
func (b *bench) baseOf(t *testing.T, files []layers.File) string {
	t.Helper()
	l, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	return b.push(t, imageOf(t, l, l))
}

// imageOf returns an image of a layer whose config has the diff_id of another.
func imageOf(t *testing.T, l, claimed v1.Layer, more ...v1.Layer) v1.Image {
	t.Helper()
	m := &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: v1.Descriptor{MediaType: types.OCIConfigJSON}}
	all := append([]v1.Layer{l}, more...)
	var diffIDs []v1.Hash
	for _, l := range all {
		desc, err := partial.Descriptor(l)
		if err != nil {
			t.Fatal(err)
		}
		diffID, err := claimed.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		m.Layers, diffIDs = append(m.Layers, *desc), append(diffIDs, diffID)
	}
	raw, err := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": v1.RootFS{Type: "layers", DiffIDs: diffIDs}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := oci.New(m, raw, all)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func (b *bench) push(t *testing.T, img v1.Image) string {
	t.Helper()
	ref, err := name.NewTag(b.host + "/base:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// A liar holds something else than the layer whose names it has.
type liar struct {
	v1.Layer
	holds v1.Layer
}

func (l liar) Compressed() (io.ReadCloser, error)   { return l.holds.Compressed() }
func (l liar) Uncompressed() (io.ReadCloser, error) { return l.holds.Uncompressed() }

// TestBaseBelievesNoName runs on an image whose layer is not what its digest says, and
// then on the genuine one: nothing of the lie may be in the result.
func TestBaseBelievesNoName(t *testing.T) {
	layer := func(files ...layers.File) v1.Layer {
		l, err := layers.Layer(files, types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	genuine, evil := layer(layers.File{Path: "/etc/passwd", Mode: 0o644}), layer(symlink("/usr", "/evil"))
	b := newBench(t)
	do := func(img v1.Image) (v1.Hash, error) {
		out, err := Base(t.Context(), &images.Set{Image: img}, BaseOptions{Options: b.options(settings(t, "test", "tcp://:80"))})
		if err != nil {
			return v1.Hash{}, err
		}
		return out.Digest()
	}
	honest, err := do(imageOf(t, genuine, genuine))
	if err != nil {
		t.Fatal(err)
	}
	for name, img := range map[string]v1.Image{
		"digest":           imageOf(t, liar{genuine, evil}, genuine),
		"diff_id":          imageOf(t, evil, genuine),
		"the same diff_id": imageOf(t, genuine, genuine, evil),
	} {
		b.cache = cache.Dir(t.TempDir()) // what is kept of a genuine image is not read again
		if _, err := do(img); err == nil || !strings.Contains(err.Error(), "did not match") {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := do(imageOf(t, genuine, genuine)); err != nil || again != honest {
			t.Errorf("after the lie about the %s: %s, %v; before: %s", name, again, err, honest)
		}
	}
	b.cache = cache.Dir(t.TempDir())
	base := b.push(t, imageOf(t, genuine, genuine, evil))
	_, err = New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80"))).Build(t.Context(), app)
	if err == nil || !strings.Contains(err.Error(), "diff_id did not match") {
		t.Errorf("a base with two layers of one diff_id: %v", err)
	}
}

// TestWithoutPackageClient asks for packages where no client was given.
func TestWithoutPackageClient(t *testing.T) {
	b := newBench(t)
	o := b.options(settings(t, "tool", "busybox", "repositories", t.TempDir(), "offline", "true"))
	if o.Packages != nil {
		t.Fatal("there is a client")
	}
	base := b.base(t, map[string]any{})
	if _, err := New(b.ko(t, options.BuildOptions{BaseImage: base}), o).Build(t.Context(), app); err == nil || !strings.Contains(err.Error(), "adding packages") {
		t.Errorf("Build: %v", err)
	}
	if _, err := Base(t.Context(), &images.Set{Image: originalImage(t, 1, map[string]any{})}, BaseOptions{Options: o}); err == nil || !strings.Contains(err.Error(), "adding packages") {
		t.Errorf("Base: %v", err)
	}
}
