package rootfs

import (
	"archive/tar"
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers/cache"
)

// Read returns the file system of layers, lowest first, all of which it reads to
// their ends. What a layer holds is kept in dir by the layer's digest, so that it is
// fetched only once.
func Read(layers []v1.Layer, dir cache.Dir) (*FS, error) {
	f := &FS{dir: dir, spent: &spent{}}
	return f, f.Add(layers, dir)
}

// Add lays more layers over those of a file system that Read has read, and reads
// them as Read does.
func (f *FS) Add(layers []v1.Layer, dir cache.Dir) error {
	for _, l := range layers {
		read := newLayer(l, f.spent)
		f.spent.layers++
		if err := limits.ImageLayers.Check(f.spent.layers); err != nil {
			return err
		}
		if err := read.list(dir); err != nil {
			return err
		}
		f.layers = append([]*layer{read}, f.layers...)
	}
	return f.findLinks()
}

// findLinks comes across all links to directories.
func (f *FS) findLinks() error {
	f.links = links{} // their depths have changed
	f.forget()
	for _, l := range f.layers {
		for _, name := range l.symlinks() {
			count := 0
			_, err := f.walk(name, true, &count)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	f.links.keep(func(l link) bool {
		e, ok := f.At(l.to)
		return ok && e.Type == tar.TypeDir
	})
	f.forget()
	return nil
}

// symlinks returns the paths of a listed layer's symbolic links, sorted.
func (l *layer) symlinks() (names []string) {
	for name, n := range l.nodes {
		if n.explicit && n.Type == tar.TypeSymlink {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ID returns what tells file systems apart that [Read] has read: the digests of the
// layers, each of which was held against all of the layer. It is "" if something else
// was put over them.
func (f *FS) ID() string {
	var digests []string
	for _, l := range f.layers {
		if l.digest == "" {
			return ""
		}
		digests = append(digests, l.digest)
	}
	return strings.Join(digests, " ")
}

// A listing is what is kept of a layer. JSON would not do: names need not be UTF-8.
type listing struct {
	DiffID  string // of what was read
	Entries []Entry
}

func (l *layer) list(dir cache.Dir) error {
	digest, err := l.Digest()
	if err != nil {
		return fmt.Errorf("listing layer: %w", err)
	}
	diffID, err := l.DiffID()
	if err != nil {
		return fmt.Errorf("listing layer %q: %w", digest, err)
	}
	var known listing
	data, ok := dir.Get(digest.Hex)
	if ok && gob.NewDecoder(bytes.NewReader(data)).Decode(&known) == nil && known.DiffID == diffID.Hex {
		l.digest = digest.Hex
		return l.addAll(known.Entries)
	}
	entries, err := scan(l, &spent{})          // if the image has another diff_id of the layer, that fails
	if err != nil && !limits.IsExceeded(err) { // it may have been damaged on the way
		entries, err = scan(l, &spent{})
	}
	if err != nil {
		return fmt.Errorf("listing layer %q: %w", digest, err)
	}
	var kept bytes.Buffer
	if err := gob.NewEncoder(&kept).Encode(listing{diffID.Hex, entries}); err != nil {
		return err
	}
	_ = dir.Put(digest.Hex, kept.Bytes()) // it is only slower without
	l.digest = digest.Hex
	return l.addAll(entries)
}

// scan returns the entries of a layer, and counts them.
func scan(l *layer, read *spent) ([]Entry, error) {
	s, err := l.newStream()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	entries := []Entry{}
	for {
		e, err := s.next()
		if errors.Is(err, io.EOF) {
			// Bytes behind the archive count for the digest, which is checked at
			// the end: a listing of anything else must not be kept.
			_, err = io.Copy(io.Discard, s)
			return entries, err
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
		read.entries++
		if err := read.hold(e); err != nil {
			return nil, err
		}
	}
}
