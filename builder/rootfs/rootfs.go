// Package rootfs answers what the file system of an image holds. It reads the
// headers of the layers' tar streams only; nothing is unpacked.
package rootfs

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/layers/cache"
)

// An Entry is one file, directory or link.
type Entry struct {
	Path     string `json:"p"` // absolute and clean
	Type     byte   `json:"t"` // as in tar.Header.Typeflag
	Mode     int64  `json:"m,omitempty"`
	Linkname string `json:"l,omitempty"` // a symbolic link's target as it is written

	layer v1.Layer // that holds it
}

// An FS is the union of an image's layers.
type FS struct {
	entries map[string]Entry
	dir     cache.Dir
}

// Read reads the layers, lowest first. What a layer holds is kept in dir by the
// layer's digest, so that it is fetched only once.
func Read(layers []v1.Layer, dir cache.Dir) (*FS, error) {
	fsys := &FS{entries: map[string]Entry{"/": {Path: "/", Type: tar.TypeDir}}, dir: dir}
	return fsys, fsys.Add(layers, dir)
}

// Add lays more layers over those that were read.
func (f *FS) Add(layers []v1.Layer, dir cache.Dir) error {
	for _, l := range layers {
		entries, err := list(l, dir)
		if err != nil {
			return err
		}
		for i := range entries {
			entries[i].layer = l
		}
		f.add(entries)
	}
	return nil
}

// Clone returns a copy that can be changed.
func (f *FS) Clone() *FS { return &FS{maps.Clone(f.entries), f.dir} }

// Put adds a file, directory or symbolic link at a path, whose directory has to be
// there.
func (f *FS) Put(name string, mode fs.FileMode, linkname string) {
	e := Entry{Path: name, Type: tar.TypeReg, Mode: int64(mode.Perm())}
	switch {
	case mode.IsDir():
		e.Type = tar.TypeDir
	case mode&fs.ModeSymlink != 0:
		e.Type, e.Linkname = tar.TypeSymlink, linkname
	}
	f.entries[name] = e
}

func list(l v1.Layer, dir cache.Dir) ([]Entry, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, fmt.Errorf("listing layer: %w", err)
	}
	var entries []Entry
	if data, ok := dir.Get(digest.Hex); ok && json.Unmarshal(data, &entries) == nil {
		return entries, nil
	}
	entries, err = scan(l)
	if err != nil {
		return nil, fmt.Errorf("listing layer %q: %w", digest, err)
	}
	data, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	_ = dir.Put(digest.Hex, data) // it is only slower without
	return entries, nil
}

func scan(l v1.Layer) ([]Entry, error) {
	rc, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	entries := []Entry{}
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// What is behind the archive counts for the digest, which is checked at
			// the end: a listing of anything else must not be kept.
			_, err = io.Copy(io.Discard, rc)
			return entries, err
		}
		if err != nil {
			return nil, err
		}
		e := Entry{Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode}
		if h.Typeflag == tar.TypeSymlink {
			e.Linkname = h.Linkname
		}
		entries = append(entries, e)
	}
}

// Whiteout files remove what lies below them.
//
// https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// add lays a layer over the file system. Whiteouts act on the layers below only,
// wherever they stand in their own.
func (f *FS) add(layer []Entry) {
	for _, e := range layer {
		dir, base := path.Split(e.Path)
		switch {
		case base == opaque:
			f.remove(path.Clean(dir), false)
		case strings.HasPrefix(base, whiteout):
			f.remove(path.Join(dir, strings.TrimPrefix(base, whiteout)), true)
		}
	}
	for _, e := range layer {
		if strings.HasPrefix(path.Base(e.Path), whiteout) {
			continue
		}
		if e.Type != tar.TypeDir {
			f.remove(e.Path, true) // a file or link takes the place of a whole directory
		}
		f.addParents(path.Dir(e.Path))
		f.entries[e.Path] = e
	}
}

// addParents adds the directories that a layer leaves to whoever unpacks it.
func (f *FS) addParents(dir string) {
	for ; dir != "/"; dir = path.Dir(dir) {
		if _, ok := f.entries[dir]; ok {
			return
		}
		f.entries[dir] = Entry{Path: dir, Type: tar.TypeDir, Mode: 0o755}
	}
}

// remove removes what is below p and, with self, p.
func (f *FS) remove(p string, self bool) {
	old, ok := f.entries[p]
	if !ok {
		return
	}
	if self {
		delete(f.entries, p)
	}
	if old.Type != tar.TypeDir {
		return
	}
	prefix := strings.TrimSuffix(p, "/") + "/"
	for q := range f.entries {
		if strings.HasPrefix(q, prefix) && q != "/" {
			delete(f.entries, q)
		}
	}
}

// Resolve returns the path that name stands for when the symbolic links of its
// directories are followed, but not a link at its end. The path need not exist.
func (f *FS) Resolve(name string) (string, error) {
	return f.walk(name, false)
}

// Follow is Resolve, but follows a link at the end, too.
func (f *FS) Follow(name string) (string, error) {
	return f.walk(name, true)
}

// At returns the entry at a path that Resolve or Follow has returned.
func (f *FS) At(resolved string) (e Entry, ok bool) {
	e, ok = f.entries[resolved]
	return e, ok
}

// Lookup returns the entry at name, symbolic links followed to the end. ok is false
// if nothing is there.
func (f *FS) Lookup(name string) (e Entry, ok bool) {
	p, err := f.walk(name, true)
	if err != nil {
		return Entry{}, false
	}
	e, ok = f.entries[p]
	return e, ok
}

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

func (f *FS) walk(name string, last bool) (string, error) {
	done, rest, links := "/", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		next := path.Join(done, part) // "..", too: done holds no links
		e := f.entries[next]
		if e.Type != tar.TypeSymlink || len(rest) == 0 && !last {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("resolving %q: too many symbolic links", name)
		}
		rest = append(strings.Split(e.Linkname, "/"), rest...)
		if path.IsAbs(e.Linkname) {
			done = "/"
		}
	}
	return done, nil
}
