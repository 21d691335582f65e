// Package cache keeps bytes on disk by name. An entry is there whole or not at all,
// whoever else writes the same one at the same time. Whoever can write the directory
// is trusted: entries are guarded against damage, not against malice.
package cache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A Dir is a directory of entries. It need not exist yet. The zero Dir keeps
// nothing.
type Dir string

// Sub returns the directory of one kind of entries.
func (d Dir) Sub(kind string) Dir {
	if d == "" {
		return ""
	}
	return Dir(filepath.Join(string(d), kind))
}

// Get returns the entry of a name; ok is false if there is none, or none that is
// undamaged.
func (d Dir) Get(name string) (data []byte, ok bool) {
	if d == "" {
		return nil, false
	}
	path := filepath.Join(string(d), name)
	entry, err := os.ReadFile(path)
	if err != nil || len(entry) < sha256.Size {
		return nil, false
	}
	sum, data := entry[:sha256.Size], entry[sha256.Size:]
	if want := sha256.Sum256(data); !bytes.Equal(sum, want[:]) {
		return nil, false
	}
	touch(path)
	return data, true
}

// touch keeps an entry that is used from being pruned.
func touch(path string) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > day {
		_ = os.Chtimes(path, time.Time{}, time.Now())
	}
}

// Has reports whether there is an entry of a name, damaged or not. It counts as used.
func (d Dir) Has(name string) bool {
	if d == "" {
		return false
	}
	path := filepath.Join(string(d), name)
	touch(path)
	_, err := os.Stat(path)
	return err == nil
}

// Remove removes an entry, if it is there.
func (d Dir) Remove(name string) {
	if d != "" {
		_ = os.Remove(filepath.Join(string(d), name)) // it only takes room
	}
}

// Put keeps data under a name, in place of what was there. It is written beside and
// renamed, with its digest before it: a crash or a partial copy of the directory may
// yet leave half an entry.
func (d Dir) Put(name string, data []byte) error {
	if d == "" {
		return nil
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return fmt.Errorf("caching %q: %w", name, err)
	}
	sum := sha256.Sum256(data)
	if err := WriteFile(filepath.Join(string(d), name), append(sum[:], data...)); err != nil {
		return fmt.Errorf("caching %q: %w", name, err)
	}
	return nil
}
