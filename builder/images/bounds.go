package images

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/limits"
)

// checkLayout refuses an OCI layout whose manifests and configs exceed the limits:
// go-containerregistry reads each as a whole. (Those of registries are bounded by the
// transport.) What is missing or wrong is an error when it is read.
func checkLayout(dir string) error {
	l := &layoutCheck{dir: dir, seen: map[v1.Hash]bool{}}
	return l.manifest("index.json", 0)
}

type layoutCheck struct {
	dir     string
	seen    map[v1.Hash]bool
	size    int64 // of all manifests and configs
	entries int64 // of all indexes
}

func (l *layoutCheck) manifest(name string, depth int64) error {
	if err := limits.IndexDepth.Check(depth); err != nil {
		return err
	}
	data, err := limits.Manifest.ReadFile(filepath.Join(l.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := limits.CheckManifest(data); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	l.size += int64(len(data))
	var m struct {
		Config    v1.Descriptor
		Manifests []v1.Descriptor
	}
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	l.entries += int64(len(m.Manifests))
	if err := limits.IndexEntries.Check(l.entries); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if err := l.config(m.Config); err != nil {
		return err
	}
	for _, desc := range m.Manifests {
		if l.seen[desc.Digest] || !desc.MediaType.IsImage() && !desc.MediaType.IsIndex() {
			continue
		}
		l.seen[desc.Digest] = true
		if err := l.manifest(blobOf(desc.Digest), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func blobOf(h v1.Hash) string { return filepath.Join("blobs", h.Algorithm, h.Hex) }

// config looks at the size of a config, whatever its descriptor says.
func (l *layoutCheck) config(desc v1.Descriptor) error {
	if desc.Digest == (v1.Hash{}) {
		return nil
	}
	info, err := os.Stat(filepath.Join(l.dir, blobOf(desc.Digest)))
	if err != nil {
		return nil
	}
	l.size += info.Size()
	if err := limits.Config.Check(info.Size()); err != nil {
		return fmt.Errorf("config %q: %w", desc.Digest, err)
	}
	return limits.Descriptions.Check(l.size)
}

// checkTarball refuses a tarball of images whose manifest.json or configs exceed the
// limits.
func checkTarball(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sizes := map[string]int64{}
	var manifest []byte
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if err != nil {
			break // io.EOF, or what is an error when it is read
		}
		sizes[h.Name] = max(sizes[h.Name], h.Size)
		if err := limits.TarballFiles.Check(int64(len(sizes))); err != nil {
			return err
		}
		if h.Name == "manifest.json" {
			if manifest, err = readManifest(tr); err != nil {
				return err
			}
		}
	}
	var images []struct{ Config string }
	if json.Unmarshal(manifest, &images) != nil {
		return nil
	}
	for _, img := range images {
		if err := limits.Config.Check(sizes[img.Config]); err != nil {
			return fmt.Errorf("config %q: %w", img.Config, err)
		}
	}
	return nil
}

func readManifest(r io.Reader) ([]byte, error) {
	data, err := limits.Manifest.ReadAll(r)
	if err == nil {
		err = limits.CheckJSON(data)
	}
	if limits.IsExceeded(err) {
		return nil, fmt.Errorf("reading the tarball's manifest.json: %w", err)
	}
	return data, nil
}
