package process

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

// TestDeadTempDirs checks which directories the next process removes.
func TestDeadTempDirs(t *testing.T) {
	parent := t.TempDir()
	for name, test := range map[string]struct {
		files []string
		stays bool
	}{
		"kohealth-dead":   {[]string{tempLockName, "go-build1/b001/x"}, false},
		"kohealth-empty":  {nil, false},
		"kohealth-fresh":  {[]string{tempLockName}, false},
		"kohealth-bin":    {[]string{"kohealth"}, true}, // somebody else's
		"other":           {[]string{tempLockName}, true},
		"kohealth.action": {[]string{tempLockName}, true},
	} {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, file := range test.files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if removed := removeDead(parent); removed == test.stays {
			t.Errorf("%s: something was removed: %v", name, removed)
		}
		if _, err := os.Stat(dir); (err == nil) != test.stays {
			t.Errorf("%s is there: %v, want %v", name, err == nil, test.stays)
		}
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(parent, "kohealth-link")); err == nil {
		lock := flock.New(filepath.Join(outside, tempLockName))
		_, _ = lock.TryLock()
		_ = lock.Close()
		removeDead(parent)
		if _, err := os.Stat(filepath.Join(outside, tempLockName)); err != nil {
			t.Error("a link was followed")
		}
	}
}

// TestLivingTempDirs makes directories while others remove what is dead.
func TestLivingTempDirs(t *testing.T) {
	parent := t.TempDir()
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 30 {
				dir, remove, err := newTempDir(parent)
				if err != nil {
					t.Error(err)
					return
				}
				removeDead(parent)
				if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o666); err != nil {
					t.Errorf("a directory was removed whose process lives: %v", err)
				}
				if err := remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}
