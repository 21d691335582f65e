// Package cache keeps bytes on disk by name. An entry is there whole or not at all,
// whoever else writes the same one at the same time.
package cache

import (
	"fmt"
	"os"
	"path/filepath"
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

// Get returns the entry of a name; ok is false if there is none that can be read.
func (d Dir) Get(name string) (data []byte, ok bool) {
	if d == "" {
		return nil, false
	}
	data, err := os.ReadFile(filepath.Join(string(d), name))
	return data, err == nil
}

// Put keeps data under a name, in place of what was there: it is written beside and
// renamed.
func (d Dir) Put(name string, data []byte) error {
	if d == "" {
		return nil
	}
	if err := d.put(name, data); err != nil {
		return fmt.Errorf("caching %q: %w", name, err)
	}
	return nil
}

func (d Dir) put(name string, data []byte) error {
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	return WriteFile(filepath.Join(string(d), name), data)
}

// WriteFile writes a file whole or not at all: beside, then renamed.
func WriteFile(path string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err = tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
