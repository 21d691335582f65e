package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
)

// A directory is a layout that is made by hand, whose digests nobody checks here.
type directory struct {
	*testing.T
	path  string
	blobs int
}

func newDirectory(t *testing.T) *directory {
	d := &directory{T: t, path: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(d.path, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	return d
}

// blob returns the descriptor of a blob that is size bytes long.
func (d *directory) blob(mt types.MediaType, content string, size int64) v1.Descriptor {
	d.Helper()
	d.blobs++
	h := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064d", d.blobs)}
	name := filepath.Join(d.path, blobOf(h))
	if err := errors.Join(os.WriteFile(name, []byte(content), 0o644), os.Truncate(name, size)); err != nil {
		d.Fatal(err)
	}
	return v1.Descriptor{MediaType: mt, Digest: h, Size: 1}
}

func (d *directory) json(mt types.MediaType, v any) v1.Descriptor {
	data, err := json.Marshal(v)
	if err != nil {
		d.Fatal(err)
	}
	return d.blob(mt, string(data), int64(len(data)))
}

// image returns the descriptor of an image with a config of so many bytes.
func (d *directory) image(config int64) v1.Descriptor {
	return d.json(types.OCIManifestSchema1, v1.Manifest{Config: d.blob(types.OCIConfigJSON, "{}", config)})
}

// check checks the layout with an index of these entries.
func (d *directory) check(entries ...v1.Descriptor) error {
	data, err := json.Marshal(v1.IndexManifest{Manifests: entries})
	if err == nil {
		err = os.WriteFile(filepath.Join(d.path, "index.json"), data, 0o644)
	}
	if err != nil {
		d.Fatal(err)
	}
	return checkLayout(d.path)
}

func TestLayoutLimits(t *testing.T) {
	index := func(n int64) error {
		d := newDirectory(t)
		if err := os.WriteFile(filepath.Join(d.path, "index.json"), []byte("{}"+strings.Repeat(" ", int(n)-2)), 0o644); err != nil {
			t.Fatal(err)
		}
		return checkLayout(d.path)
	}
	limitstest.Check(t, limits.Manifest, index(limits.Manifest.Max()), index(limits.Manifest.Max()+1))

	config := func(n int64) error {
		d := newDirectory(t)
		return d.check(d.image(n))
	}
	limitstest.Check(t, limits.Config, config(limits.Config.Max()), config(limits.Config.Max()+1))

	together := func(n int64) error {
		d := newDirectory(t)
		var images []v1.Descriptor
		for range n {
			images = append(images, d.image(limits.Config.Max()))
		}
		return d.check(images...)
	}
	most := limits.Descriptions.Max() / limits.Config.Max()
	limitstest.Check(t, limits.Descriptions, together(most-1), together(most)) // manifests count, too

	entries := func(n int64) error {
		d := newDirectory(t)
		other := d.blob(types.DockerConfigJSON, "", 0)
		one := slices.Repeat([]v1.Descriptor{other}, int(n-2)/2)
		two := slices.Repeat([]v1.Descriptor{other}, int(n-2)-len(one))
		return d.check(d.json(types.OCIImageIndex, v1.IndexManifest{Manifests: one}), d.json(types.OCIImageIndex, v1.IndexManifest{Manifests: two}))
	}
	limitstest.Check(t, limits.IndexEntries, entries(limits.IndexEntries.Max()), entries(limits.IndexEntries.Max()+1))

	depth := func(n int64) error {
		d := newDirectory(t)
		desc := d.image(2)
		for range n - 1 { // of which the first is index.json, and the last an image
			desc = d.json(types.OCIImageIndex, v1.IndexManifest{Manifests: []v1.Descriptor{desc}})
		}
		return d.check(desc)
	}
	limitstest.Check(t, limits.IndexDepth, depth(limits.IndexDepth.Max()), depth(limits.IndexDepth.Max()+1))
}

// tarballOf writes files in this order, names and contents by turns.
func tarballOf(t *testing.T, files ...string) (name string) {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := tw.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	name = filepath.Join(t.TempDir(), "app.tar")
	if err := errors.Join(tw.Close(), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestTarballRepeats looks at the largest of the files of one name: which of them is read
// is for the library to say.
func TestTarballRepeats(t *testing.T) {
	large, small := strings.Repeat(" ", int(limits.Config.Max())+1), "{}"
	for _, configs := range [][2]string{{large, small}, {small, large}} {
		err := checkTarball(tarballOf(t, "manifest.json", `[{"Config":"c"}]`, "c", configs[0], "c", configs[1]))
		if !limits.IsExceeded(err) {
			t.Errorf("configs of %d and %d bytes: %v", len(configs[0]), len(configs[1]), err)
		}
	}
}

// TestTarballValues counts the values of a manifest.json.
func TestTarballValues(t *testing.T) {
	check := func(n int64) error {
		return checkTarball(tarballOf(t, "manifest.json", "["+strings.Repeat("1,", int(n)-2)+"1]"))
	}
	limitstest.Check(t, limits.ImageValues, check(limits.ImageValues.Max()), check(limits.ImageValues.Max()+1))
}

// TestIndexOfNoType makes an index like one whose manifest says no media type, as OCI
// allows.
func TestIndexOfNoType(t *testing.T) {
	idx, err := indexOf(&v1.IndexManifest{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if mt, err := idx.MediaType(); err != nil || mt != types.OCIImageIndex {
		t.Errorf("media type %q, %v", mt, err)
	}
}

func TestTarballLimits(t *testing.T) {
	of := func(config int64, files int64) error {
		name := filepath.Join(t.TempDir(), "app.tar")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		tw := tar.NewWriter(f)
		manifest := `[{"Config":"c"}]`
		_ = tw.WriteHeader(&tar.Header{Name: "manifest.json", Size: int64(len(manifest))})
		_, _ = tw.Write([]byte(manifest))
		_ = tw.WriteHeader(&tar.Header{Name: "c", Size: config})
		_, _ = tw.Write(make([]byte, config))
		for i := range files - 2 {
			_ = tw.WriteHeader(&tar.Header{Name: fmt.Sprint(i)})
		}
		if err := errors.Join(tw.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		return checkTarball(name)
	}
	limitstest.Check(t, limits.Config, of(limits.Config.Max(), 2), of(limits.Config.Max()+1, 2))
	limitstest.Check(t, limits.TarballFiles, of(2, limits.TarballFiles.Max()), of(2, limits.TarballFiles.Max()+1))
}

// Indexes of any source are counted, and how deep they are.
func TestIndexLimits(t *testing.T) {
	nested := func(depth int64, entries int) error {
		idx := v1.ImageIndex(empty.Index)
		for range depth - 1 {
			idx = mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: idx})
		}
		for range entries {
			idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{MediaType: types.DockerConfigJSON}})
		}
		_, err := candidates(idx, 1, new(int64))
		return err
	}
	limitstest.Check(t, limits.IndexDepth, nested(limits.IndexDepth.Max(), 0), nested(limits.IndexDepth.Max()+1, 0))
	seen := limits.IndexEntries.Max() - 1
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: empty.Index})
	_, at := candidates(idx, 1, &seen)
	_, past := candidates(idx, 1, &seen)
	limitstest.Check(t, limits.IndexEntries, at, past)
}
