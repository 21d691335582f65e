package rootfs

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

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
		entries, err := list(l, dir)
		if err != nil {
			return err
		}
		read := &layer{Layer: l, nodes: map[string]node{}, spent: f.spent, listed: true}
		for _, e := range entries {
			if err := read.add(e); err != nil {
				return read.fail(err)
			}
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

func list(l v1.Layer, dir cache.Dir) ([]Entry, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, fmt.Errorf("listing layer: %w", err)
	}
	var entries []Entry
	if data, ok := dir.Get(digest.Hex); ok && json.Unmarshal(data, &entries) == nil {
		return entries, nil
	}
	entries, err = scan(&layer{Layer: l, spent: &spent{}})
	if err != nil && !limits.IsExceeded(err) { // it may have been damaged on the way
		entries, err = scan(&layer{Layer: l, spent: &spent{}})
	}
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

func scan(l *layer) ([]Entry, error) {
	s, err := l.newStream()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	entries := []Entry{}
	for {
		e, err := s.next()
		if errors.Is(err, io.EOF) {
			// What is behind the archive counts for the digest, which is checked at
			// the end: a listing of anything else must not be kept.
			_, err = io.Copy(io.Discard, s)
			return entries, err
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
		l.spent.entries++
		if err := l.spent.hold(e); err != nil {
			return nil, err
		}
	}
}
