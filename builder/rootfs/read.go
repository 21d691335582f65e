package rootfs

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
)

// ReadFile returns what a regular file holds, symbolic links followed, if that is not
// more than limit bytes. It is kept beside the listing of the file's layer.
func (f *FS) ReadFile(name string, limit int64) ([]byte, error) {
	e, ok := f.Lookup(name)
	if !ok || e.Type != tar.TypeReg || e.layer == nil {
		return nil, fmt.Errorf("reading %q of the base image: it is not a file", name)
	}
	digest, err := e.layer.Digest()
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base image: %w", name, err)
	}
	sum := sha256.Sum256([]byte(e.Path))
	key := digest.Hex + "-" + hex.EncodeToString(sum[:])
	if data, ok := f.dir.Get(key); ok {
		return data, nil
	}
	data, err := e.read(limit)
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base image: %w", name, err)
	}
	_ = f.dir.Put(key, data) // it is only slower without
	return data, nil
}

// read reads the file out of its layer, whose digest is checked at the end.
func (e Entry) read(limit int64) (data []byte, err error) {
	rc, err := e.layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, rc)
			return data, err
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || path.Join("/", h.Name) != e.Path {
			continue
		}
		if h.Size > limit {
			return nil, fmt.Errorf("it has %d bytes, more than %d", h.Size, limit)
		}
		if data, err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
}
