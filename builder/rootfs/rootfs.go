// Package rootfs answers what the file system of an image holds. Layers are read as
// streams, from the top, each to its end and held against its digests, and nothing is
// unpacked: [New] reads the layers that an answer needs, [Read] reads all headers and
// keeps them.
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

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers/cache"
)

// An Entry is one file, directory or link.
type Entry struct {
	Path     string // absolute and clean
	Type     byte   // as in tar.Header.Typeflag
	Mode     int64
	UID      int
	GID      int
	Linkname string // a link's target as it is written
	at       int    // how many entries are before it in its layer
}

// An FS is the union of an image's layers. It is not safe for concurrent use.
type FS struct {
	layers []*layer // the highest first
	links  links
	led    map[string]led // where paths lead to whose directories are no links
	spent  *spent
	dir    cache.Dir // keeps what is read
}

// New returns the file system of an image's layers, lowest first. A lookup reads
// the layers from the top, and none below those that it needs. [FS.Close] closes what is
// still open.
func New(layers []v1.Layer) *FS {
	f := &FS{spent: &spent{layers: int64(len(layers))}}
	for _, l := range layers {
		f.layers = append(f.layers, newLayer(l, f.spent))
	}
	slices.Reverse(f.layers)
	return f
}

// Close ends the reading of all layers.
func (f *FS) Close() error {
	var errs []error
	for _, l := range f.layers {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

// Resolve returns the path that name stands for when the symbolic links of its
// directories are followed, but not a link at its end. The path need not exist.
func (f *FS) Resolve(name string) (string, error) {
	links := 0
	return f.walk(name, false, &links)
}

// Follow is Resolve, but follows a link at the end, too.
func (f *FS) Follow(name string) (string, error) {
	links := 0
	return f.walk(name, true, &links)
}

// At returns the entry at a path that [FS.Resolve] or [FS.Follow] has returned, of a
// file system that [Read] has read. ok is false if nothing is there.
func (f *FS) At(resolved string) (e Entry, ok bool) {
	e, _, err := f.find(resolved)
	return e, err == nil
}

// Lookup returns the entry at name, links followed to the end. The error is
// [fs.ErrNotExist] if nothing is there, or if links lead nowhere.
func (f *FS) Lookup(name string) (Entry, error) {
	e, _, err := f.lookup(name)
	return e, err
}

// Open returns what the regular file at name holds, to be read before the next call
// on f. Files of a layer that are opened in the order in which they stand there are read in
// one go.
func (f *FS) Open(name string) (io.Reader, error) {
	e, depth, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	if e.Type != tar.TypeReg {
		return nil, fmt.Errorf("opening %q: not a regular file", name)
	}
	return f.layers[depth].open(e)
}

func (f *FS) lookup(name string) (e Entry, depth int, err error) {
	links := 0
	for {
		if name, err = f.walk(name, true, &links); err != nil {
			return Entry{}, 0, err
		}
		e, depth, err = f.find(name)
		if err != nil || e.Type != tar.TypeLink {
			return e, depth, err
		}
		if links++; links > int(limits.Links.Max()) {
			return Entry{}, 0, tooManyLinks(name)
		}
		name = path.Join("/", e.Linkname)
	}
}

// find returns the entry at a path whose directories are no links, and the depth of
// its layer.
func (f *FS) find(name string) (Entry, int, error) {
	if name == "/" {
		return Entry{Path: "/", Type: tar.TypeDir, Mode: 0o755}, 0, nil
	}
	implied := -1
	for depth, l := range f.layers {
		hidden := false
		for _, written := range f.links.names(name, depth) {
			n, err := l.find(written)
			switch {
			case err != nil:
				return Entry{}, 0, err
			case n.explicit:
				return n.Entry, depth, nil
			case n.implied() && implied < 0:
				implied = depth
			}
			hidden = hidden || l.hides(written)
		}
		if hidden {
			break
		}
	}
	if implied >= 0 { // whoever unpacks the layer makes the directory
		return Entry{Path: name, Type: tar.TypeDir, Mode: 0o755}, implied, nil
	}
	return Entry{}, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// First returns the first of the names, as they are written, that the topmost layer
// knows which knows any, or "" if none does. Only a lookup reports whether it is there, but
// it is the name to look up first.
func (f *FS) First(names []string) (string, error) {
	for _, l := range f.layers {
		for _, name := range names {
			n, err := l.find(name)
			if err != nil {
				return "", err
			}
			if n.explicit {
				return name, nil
			}
		}
	}
	return "", nil
}
