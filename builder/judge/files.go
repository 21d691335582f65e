package judge

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

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
	contents map[string]string
	answers  map[question]bool
}

// A question is whether a file holds something, by how it is looked for.
type question struct{ file, how, what string }

// ask answers a question, once.
func (f *Files) ask(q question, answer func() bool) bool {
	is, ok := f.answers[q]
	if !ok {
		is = answer()
		f.answers[q] = is
	}
	return is
}

// NewFiles returns the files of an image.
func NewFiles(fsys FS) *Files {
	return &Files{fsys, map[string]executable.File{}, map[string]string{}, map[question]bool{}}
}

// maxContent is how much of a file is read, in bytes.
const maxContent = 8 << 20

// content returns what a regular file holds, or nothing.
func (f *Files) content(name string) (string, error) {
	if data, ok := f.contents[name]; ok {
		return data, nil
	}
	e, err := f.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && e.Type != tar.TypeReg {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	r, err := f.Open(name)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxContent))
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	f.contents[name] = string(data)
	return f.contents[name], nil
}

// lookup returns what the image has at a path; ok is false if that is nothing.
func (r *run) lookup(name string) (e rootfs.Entry, ok bool) {
	if r.container.Files == nil || r.err != nil {
		return e, false
	}
	e, err := r.container.Files.Lookup(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.container.isMade(name):
		return rootfs.Entry{Path: name, Type: tar.TypeDir, Mode: 0o777}, true // whose it is, is not known
	case err != nil && !errors.Is(err, fs.ErrNotExist):
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
	return data
}

// holds reports whether a file holds a text.
func (r *run) holds(name, text string) bool {
	if r.container.Files == nil {
		return false
	}
	return r.container.Files.ask(question{name, "holds", text}, func() bool { return strings.Contains(r.readFile(name), text) })
}
