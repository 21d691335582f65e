package cache

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"
)

// WriteFile writes a file whole or not at all: beside, then renamed. A file that is there
// keeps its permissions; a new one has those that the umask leaves it.
func WriteFile(path string, data []byte) error { return writeFile(path, data, 0o666) }

// WriteProgram is WriteFile for a program: whoever may read a new file may run it.
func WriteProgram(path string, data []byte) error { return writeFile(path, data, 0o777) }

func writeFile(path string, data []byte, mode fs.FileMode) (err error) {
	tmp, release, err := create(TempName(filepath.Dir(path)), mode)
	if err != nil {
		return err
	}
	defer release()
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(data)
	if info, statErr := os.Stat(path); err == nil && statErr == nil {
		err = tmp.Chmod(info.Mode().Perm())
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// TempPrefix begins the names of files that are being written.
const TempPrefix = ".kohealth.tmp-"

// TempName returns a new name for a file in a directory that is written whole and then
// renamed.
func TempName(dir string) string { return filepath.Join(dir, TempPrefix+rand.Text()) }

// Create creates a file of a name that TempName returned, for others to write. Until
// release is called, RemoveDead leaves it alone.
func Create(name string) (release func(), err error) {
	f, release, err := create(name, 0o666)
	if err != nil {
		return nil, err
	}
	return release, f.Close()
}

func create(name string, mode fs.FileMode) (*os.File, func(), error) {
	const attempts = 100
	for range attempts {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, nil, err
		}
		if release, held := hold(name); held {
			return f, release, nil
		}
		_ = f.Close() // somebody took it for a dead process's, and removes it
		waitGone(name)
	}
	return nil, nil, &fs.PathError{Op: "create", Path: name, Err: errors.New("it does not stay")}
}

// waitGone waits until whoever holds a file has removed it. Before that a new file of the
// name would be removed in its place.
func waitGone(name string) {
	lock := flock.New(name, flock.SetFlag(os.O_RDWR))
	_ = lock.Lock()     // of what is gone there is none
	_ = os.Remove(name) // if whoever held it was killed
	_ = lock.Close()
}

// hold has this process, as long as it lives, hold a file that is there. It reports
// whether it does: another process may, or may have removed the file. Windows, where a
// file that is held cannot be written, holds none.
func hold(name string) (release func(), held bool) {
	if runtime.GOOS == "windows" {
		return func() {}, true
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDWR))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, false
	}
	release = func() { _ = lock.Close() }
	if _, err := os.Lstat(name); err != nil {
		release()
		return nil, false
	}
	return release, true
}

// RemoveDead removes what processes that were killed have left half-written in a
// directory.
func RemoveDead(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || runtime.GOOS == "windows" {
		return nil
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), TempPrefix) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if release, held := hold(name); held {
			if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) { // its writer was the first
				err = errors.Join(err, gone)
			}
			release()
		}
	}
	return err
}

// RemoveDead is [RemoveDead] for the directory and all below it.
func (d Dir) RemoveDead() error {
	if d == "" {
		return nil
	}
	return filepath.WalkDir(string(d), func(path string, f fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // pruned by another process
			return nil
		case err != nil || !f.IsDir():
			return err
		}
		return RemoveDead(path)
	})
}
