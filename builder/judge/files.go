package judge

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ko-health/kohealth/builder/executable"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// An FS is an image's file system, such as a [rootfs.FS].
type FS interface {
	// Lookup returns the entry at a path, links followed; see [rootfs.FS.Lookup].
	Lookup(name string) (rootfs.Entry, error)
	// Open opens a regular file; see [rootfs.FS.Open].
	Open(name string) (io.Reader, error)
	// First returns the name to look up first; see [rootfs.FS.First].
	First(names []string) (string, error)
}

// Files are an image's, with what was read of them: to read a file again is to read its
// layer again. They are not safe for concurrent use.
type Files struct {
	FS
	binaries map[string]executable.File
	contents map[string][]byte
}

// NewFiles returns the files of an image.
func NewFiles(fsys FS) *Files {
	return &Files{fsys, map[string]executable.File{}, map[string][]byte{}}
}

// maxContent is how much of a file is read, in bytes.
const maxContent = 8 << 20

// content returns what a regular file holds, or nothing.
func (f *Files) content(name string) ([]byte, error) {
	if data, ok := f.contents[name]; ok {
		return data, nil
	}
	e, err := f.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && e.Type != tar.TypeReg {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxContent))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	f.contents[name] = data
	return data, nil
}

// lookup returns what the image has at a path; ok is false if that is nothing.
func (r *run) lookup(name string) (e rootfs.Entry, ok bool) {
	if r.container.Files == nil || r.err != nil {
		return e, false
	}
	e, err := r.container.Files.Lookup(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.fail(err)
	}
	return e, err == nil
}

// has reports whether something is at a path.
func (r *run) has(name string) bool {
	_, ok := r.lookup(name)
	return ok
}

// readFile returns a file's text, or nothing if there is none.
func (r *run) readFile(name string) string {
	if r.container.Files == nil || r.err != nil {
		return ""
	}
	data, err := r.container.Files.content(name)
	if err != nil {
		r.fail(err)
	}
	return string(data)
}

// holds reports whether a file holds a text.
func (r *run) holds(name, text string) bool {
	return bytes.Contains([]byte(r.readFile(name)), []byte(text))
}
