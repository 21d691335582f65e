package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
)

// A temporary directory of a process has a lock in it that the process holds as long as
// it lives, whichever way it ends. Whoever gets the lock may remove the directory.
const (
	tempPrefix   = "kohealth-"
	tempLockName = "kohealth.lock"
)

// TempDir makes a temporary directory, and removes those of dead processes.
func TempDir() (dir string, remove func() error, err error) {
	parent, err := filepath.Abs(os.TempDir()) // go runs in other directories, too
	if err == nil {
		dir, remove, err = newTempDir(parent)
	}
	if err != nil {
		return "", nil, fmt.Errorf("making temporary directory: %w", err)
	}
	if removeDead(parent) {
		_ = files.CacheDir().RemoveDead() // what remains takes room, and no more
	}
	return dir, remove, nil
}

func newTempDir(parent string) (dir string, remove func() error, err error) {
	const attempts = 100
	for range attempts {
		if dir, err = os.MkdirTemp(parent, tempPrefix); err != nil {
			return "", nil, err
		}
		lock, err := takeTempDir(dir, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return "", nil, errors.Join(err, os.Remove(dir))
		}
		if lock != nil {
			return dir, func() error { return removeTempDir(dir, lock) }, nil
		}
	}
	return "", nil, errors.New("new directories do not stay")
}

// takeTempDir takes the lock in a directory, opened with a flag of os.OpenFile. It returns
// nil if another process has it, or had it and has removed the directory.
func takeTempDir(dir string, flag int) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, tempLockName), flock.SetFlag(flag))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !ok {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(lock.Path()); err != nil {
		return nil, lock.Close()
	}
	return lock, nil
}

// removeTempDir removes a directory whose lock the process has, and keeps the lock
// meanwhile: somebody may be about to take the directory for a new one. Windows removes
// no file that is open.
func removeTempDir(dir string, lock *flock.Flock) (err error) {
	if runtime.GOOS == "windows" {
		err = lock.Close()
	} else {
		defer lock.Close()
	}
	// The lock goes last: a directory that has things in it and no lock would stay for ever.
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != tempLockName {
			err = errors.Join(err, removeAll(filepath.Join(dir, e.Name())))
		}
	}
	if err = errors.Join(err, removeAll(dir)); err != nil {
		return fmt.Errorf("removing temporary directory: %w", err)
	}
	return nil
}

// removeDead removes the temporary directories in parent whose processes have died. It
// reports whether there were any. Whatever fails, a later process may succeed in.
func removeDead(parent string) (any bool) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		if info, err := e.Info(); err != nil || !isMine(info) {
			continue
		}
		if os.Remove(dir) == nil { // empty: its process died at once, or will make another
			any = true
			continue
		}
		if info, err := os.Lstat(filepath.Join(dir, tempLockName)); err != nil || !info.Mode().IsRegular() {
			continue // not one of these
		}
		if lock, err := takeTempDir(dir, os.O_RDWR); err == nil && lock != nil {
			_ = removeTempDir(dir, lock)
			any = true
		}
	}
	return any
}
