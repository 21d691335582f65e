package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Limits say what of a cache is kept.
type Limits struct {
	Age  time.Duration // entries that nobody has used for longer are removed
	Size int64         // in bytes: above it, what has not been used for longest is removed
}

// Prune removes what exceeds the limits. Whatever skip holds for, a file or a whole
// directory, is neither removed nor counted. A directory that holds an OCI image
// layout is one entry: its index names its other files.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
func (d Dir) Prune(limits Limits, skip func(path string) bool) error {
	entries, err := d.entries(skip)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b entry) int { return b.used.Compare(a.used) })
	var size int64
	var errs []error
	for _, e := range entries {
		size += e.size
		if time.Since(e.used) > limits.Age || size > limits.Size {
			size -= e.size
			errs = append(errs, os.RemoveAll(e.path))
		}
	}
	return errors.Join(errs...)
}

// PruneDaily is Prune, at most once a day.
func (d Dir) PruneDaily(limits Limits, skip func(path string) bool) error {
	if _, err := os.Stat(string(d)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	stamp := filepath.Join(string(d), "pruned")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < day {
		return nil
	}
	return cmp.Or(d.Prune(limits, skip), os.WriteFile(stamp, nil, 0o644))
}

const day = 24 * time.Hour

type entry struct {
	path string
	size int64
	used time.Time
}

func (d Dir) entries(skip func(path string) bool) (entries []entry, err error) {
	err = filepath.WalkDir(string(d), func(path string, f fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // pruned by another process
			return nil
		case err != nil:
			return err
		case skip(path) && f.IsDir():
			return filepath.SkipDir
		case skip(path):
			return nil
		case f.IsDir() && !isLayout(path):
			return nil
		case f.Type()&fs.ModeSymlink != 0: // the user's own
			return nil
		}
		switch e, err := measure(path); {
		case err == nil:
			entries = append(entries, e)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if f.IsDir() {
			return filepath.SkipDir
		}
		return nil
	})
	return entries, err
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil
}

// measure returns a file or directory as an entry: the size of all that it holds and
// when the youngest of it was used.
func measure(path string) (entry, error) {
	e := entry{path: path}
	err := filepath.WalkDir(path, func(_ string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		info, err := f.Info()
		if err != nil {
			return err
		}
		e.size += info.Size()
		if info.ModTime().After(e.used) {
			e.used = info.ModTime()
		}
		return nil
	})
	return e, err
}
