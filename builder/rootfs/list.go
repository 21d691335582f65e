package rootfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/layers/cache"
)

// Read returns the file system of layers, lowest first, all of which it reads to
// their ends. What a layer holds is kept in dir by the layer's digest, so that it is
// fetched only once.
func Read(layers []v1.Layer, dir cache.Dir) (*FS, error) {
	f := &FS{}
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
		read := &layer{Layer: l, nodes: map[string]node{}, listed: true}
		for _, e := range entries {
			read.add(e)
		}
		f.layers = append([]*layer{read}, f.layers...)
	}
	f.links = nil // their depths have changed
	return nil
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
	entries, err = scan(&layer{Layer: l})
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
	}
}
