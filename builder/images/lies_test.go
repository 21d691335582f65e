package images_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/images"
)

// readAll reads all of an image, as those do who trust nothing.
func readAll(ref string) error {
	img, err := images.New(context.Background(), ref, images.Options{})
	if err != nil {
		return err
	}
	defer img.Close()
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		for _, stream := range []func() (io.ReadCloser, error){l.Uncompressed, l.Compressed} {
			rc, err := stream()
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, rc)
			rc.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// TestLyingLayout shows layouts in which a blob is not what its name says. The error names
// the blob, whichever way the image is asked for.
func TestLyingLayout(t *testing.T) {
	genuine, liar := image("linux/amd64"), image("linux/arm64")
	m := must(genuine.Manifest())
	manifest, config := must(liar.RawManifest()), must(liar.RawConfigFile())
	other := blobOf(t, tarLayer(t, "elsewhere"))
	for name, tt := range map[string]struct {
		digest  v1.Hash
		content []byte
	}{
		"manifest": {must(genuine.Digest()), manifest},
		"config":   {m.Config.Digest, config},
		"layer":    {m.Layers[0].Digest, other},
		"trailing": {m.Layers[0].Digest, append(blobOf(t, must(genuine.Layers())[0]), 0)},
		"empty":    {m.Layers[0].Digest, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			p := must(layout.Write(dir, empty.Index))
			if err := p.AppendImage(genuine); err != nil {
				t.Fatal(err)
			}
			nested := filepath.Join(t.TempDir(), "nested")
			n := must(layout.Write(nested, empty.Index))
			if err := n.AppendIndex(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: genuine})); err != nil {
				t.Fatal(err)
			}
			refs := []string{dir, dir + "@" + must(genuine.Digest()).String(), nested}
			for _, ref := range refs {
				if err := readAll(ref); err != nil {
					t.Fatal(err)
				}
			}
			for _, d := range []string{dir, nested} {
				if err := os.WriteFile(filepath.Join(d, "blobs", "sha256", tt.digest.Hex), tt.content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, ref := range refs {
				err := readAll(ref)
				if err == nil || !strings.Contains(err.Error(), "digest did not match") || !strings.Contains(err.Error(), tt.digest.String()) {
					t.Errorf("%s: %v, want an error that names %s", ref, err, tt.digest)
				}
				if set, err := images.All(context.Background(), ref, nil, images.Options{}); name == "manifest" && err == nil {
					t.Errorf("All(%q) = %+v", ref, set)
				}
			}
		})
	}
}

// TestLyingIndex shows a layout whose inner index is another one.
func TestLyingIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	genuine := index("linux/amd64")
	p := must(layout.Write(dir, empty.Index))
	if err := p.AppendIndex(genuine); err != nil {
		t.Fatal(err)
	}
	digest := must(genuine.Digest())
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", digest.Hex), must(index("linux/arm64").RawManifest()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{dir, dir + "@" + digest.String()} {
		checkFails(t, ref, "", "digest did not match", "")
		checkFails(t, ref, "", digest.String(), "")
	}
}

// TestLyingDiffID shows images whose config claims another layer's diff_id.
func TestLyingDiffID(t *testing.T) {
	img := image("linux/amd64")
	config := must(img.ConfigFile()).DeepCopy()
	claimed := must(tarLayer(t, "genuine").DiffID())
	config.RootFS.DiffIDs[0] = claimed
	raw := must(json.Marshal(config))
	dir := t.TempDir()

	manifest := must(img.Manifest()).DeepCopy()
	size := int64(len(raw))
	manifest.Config.Digest, manifest.Config.Size = must1(v1.SHA256(bytes.NewReader(raw))), size
	rawManifest := must(json.Marshal(manifest))
	manifestDigest := must1(v1.SHA256(bytes.NewReader(rawManifest)))
	lay := filepath.Join(dir, "layout")
	p := must(layout.Write(lay, empty.Index))
	if err := p.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	for h, content := range map[v1.Hash][]byte{manifest.Config.Digest: raw, manifestDigest: rawManifest} {
		if err := p.WriteBlob(h, io.NopCloser(bytes.NewReader(content))); err != nil {
			t.Fatal(err)
		}
	}
	idx := v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{{MediaType: manifest.MediaType, Digest: manifestDigest, Size: int64(len(rawManifest))}}}
	if err := os.WriteFile(filepath.Join(lay, "index.json"), must(json.Marshal(idx)), 0o644); err != nil {
		t.Fatal(err)
	}

	files := map[string][]byte{}
	var d tarball.Descriptor
	for i, l := range must(img.Layers()) {
		name := string(rune('a'+i)) + ".tar"
		d.Layers = append(d.Layers, name)
		rc := must(l.Uncompressed())
		files[name] = must(io.ReadAll(rc))
		rc.Close()
	}
	d.Config, files["config.json"] = "config.json", raw
	plain := writeArchive(t, dir, "plain.tar", d, files)

	for i, l := range must(img.Layers()) {
		files[d.Layers[i]] = blobOf(t, l)
	}
	compressed := writeArchive(t, dir, "compressed.tar", d, files)
	for _, ref := range []string{lay, plain, compressed} {
		if err := readAll(ref); err == nil || !strings.Contains(err.Error(), "diff_id did not match") || !strings.Contains(err.Error(), claimed.String()) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// TestLyingArchive shows archives with claims of their own: the name of the config, and the
// digests of layers, under which a genuine layer could be meant.
func TestLyingArchive(t *testing.T) {
	img := image("linux/amd64")
	dir, genuine := t.TempDir(), must(tarLayer(t, "genuine").Digest())
	files := map[string][]byte{"config.json": must(img.RawConfigFile())}
	d := tarball.Descriptor{Config: "config.json", LayerSources: map[v1.Hash]v1.Descriptor{}}
	for i, l := range must(img.Layers()) {
		name := string(rune('a'+i)) + ".tar.gz"
		d.Layers = append(d.Layers, name)
		files[name] = blobOf(t, l)
	}
	if err := readAll(writeArchive(t, dir, "true.tar", d, files)); err != nil {
		t.Fatal(err)
	}
	first := must(must(img.Layers())[0].DiffID())
	for _, mt := range []string{"application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"} {
		d.LayerSources[first] = v1.Descriptor{MediaType: types.MediaType(mt), Digest: genuine, Size: 1}
		err := readAll(writeArchive(t, dir, "sources.tar", d, files))
		if err == nil || !strings.Contains(err.Error(), "digest did not match") || !strings.Contains(err.Error(), genuine.String()) {
			t.Errorf("a layer with the digest of another: %v", err)
		}
	}
	d.LayerSources = nil
	for _, name := range []string{genuine.Hex + ".json", genuine.String(), "blobs/sha256/" + genuine.Hex} {
		d.Config = name
		files[name] = files["config.json"]
		checkFails(t, writeArchive(t, dir, "config.tar", d, files), "", "digest did not match", "")
	}
}

func writeArchive(t *testing.T, dir, name string, d tarball.Descriptor, files map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	write := func(name string, content []byte) {
		if err := tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		write(name, content)
	}
	write("manifest.json", must(json.Marshal(tarball.Manifest{d})))
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func tarLayer(t *testing.T, name string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	if err := tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }))
}

func blobOf(t *testing.T, l v1.Layer) []byte {
	t.Helper()
	rc := must(l.Compressed())
	defer rc.Close()
	return must(io.ReadAll(rc))
}

func must1(h v1.Hash, _ int64, err error) v1.Hash { return must(h, err) }
