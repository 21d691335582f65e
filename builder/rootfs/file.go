package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/layers/cache"
)

// ReadFile returns the content and the mode of the regular file that name, symbolic
// links followed, stands for in the layers, lowest first. It is fs.ErrNotExist if
// there is none. Files of more than max bytes are an error.
func ReadFile(layers []v1.Layer, name string, max int64, dir cache.Dir) ([]byte, fs.FileMode, error) {
	for range maxLinks { // hard links, whose targets are in their own layer or below
		fsys, err := Read(layers, dir)
		if err != nil {
			return nil, 0, err
		}
		e, ok := fsys.Lookup(name)
		switch {
		case !ok:
			return nil, 0, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		case e.Type != tar.TypeReg && e.Type != tar.TypeLink:
			return nil, 0, fmt.Errorf("%q is not a regular file", name)
		}
		i, h, content, err := topmost(layers, e.Path, max)
		if err != nil {
			return nil, 0, fmt.Errorf("reading %q: %w", e.Path, err)
		}
		if h.Typeflag == tar.TypeReg {
			return content, h.FileInfo().Mode(), nil
		}
		name, layers = path.Join("/", h.Linkname), layers[:i+1]
	}
	return nil, 0, fmt.Errorf("%q: too many hard links", name)
}

// topmost finds the highest layer with an entry of a path, and reads it.
func topmost(layers []v1.Layer, p string, max int64) (i int, h *tar.Header, content []byte, err error) {
	for i, l := range slices.Backward(layers) {
		h, content, err = readEntry(l, p, max)
		if h != nil || err != nil {
			return i, h, content, err
		}
	}
	return 0, nil, nil, fs.ErrNotExist
}

// readEntry reads the last entry of a path in a layer, the one that counts. There is no
// header if there is none. The layer is read to its end, where its digest is checked.
func readEntry(l v1.Layer, p string, max int64) (h *tar.Header, content []byte, err error) {
	rc, err := l.Uncompressed()
	if err != nil {
		return nil, nil, err
	}
	defer rc.Close()
	for tr := tar.NewReader(rc); ; {
		next, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, rc)
			return h, content, err
		}
		if err != nil {
			return nil, nil, err
		}
		if path.Join("/", next.Name) != p {
			continue
		}
		if next.Size > max {
			return nil, nil, fmt.Errorf("it has %d bytes, more than %d", next.Size, max)
		}
		h = next
		if content, err = io.ReadAll(tr); err != nil {
			return nil, nil, err
		}
	}
}
