package cache_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/gofrs/flock"

	"github.com/ko-health/kohealth/layers/cache"
)

func TestRemoveDead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows holds no files")
	}
	dir := t.TempDir()
	for name, stays := range map[string]bool{
		cache.TempPrefix + "dead": false, "kind/" + cache.TempPrefix + "dead": false, "kind/" + cache.TempPrefix + "alive": true,
		"entry": true, ".tmp-123": true, cache.TempPrefix + "d/x": true,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) == cache.TempPrefix+"alive" {
			lock := flock.New(path)
			if ok, err := lock.TryLock(); err != nil || !ok {
				t.Fatal(ok, err)
			}
			defer lock.Close()
		}
		if err := cache.Dir(dir).RemoveDead(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s is there: %v, want %v", name, err == nil, stays)
		}
	}
	if err := cache.Dir(dir).Sub("nowhere").RemoveDead(); err != nil {
		t.Error(err)
	}
}

// TestRemoveDeadSparesTheLiving writes while somebody removes what is dead.
func TestRemoveDeadSparesTheLiving(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var remover, writers sync.WaitGroup
	remover.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := cache.RemoveDead(dir); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 4 {
		writers.Go(func() {
			for range 150 {
				if err := cache.WriteFile(filepath.Join(dir, string(rune('a'+i))), []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	remover.Wait()
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("left: %v", left)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := cache.TempName(dir)
	release, err := cache.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, stays := range []bool{true, runtime.GOOS == "windows"} {
		if err := cache.RemoveDead(dir); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(name); (err == nil) != stays {
			t.Errorf("the file is there: %v, want %v", err == nil, stays)
		}
		release()
	}
}

func TestWriteFileNowhere(t *testing.T) {
	if err := cache.WriteFile(filepath.Join(t.TempDir(), "no", "where"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that the directory is not there", err)
	}
}
