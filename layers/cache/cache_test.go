package cache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ko-health/kohealth/layers/cache"
)

func TestPutGet(t *testing.T) {
	dir := cache.Dir(filepath.Join(t.TempDir(), "not", "there")).Sub("kind")
	if _, ok := dir.Get("a"); ok {
		t.Error("an entry before it was put")
	}
	for _, want := range []string{"one", "two"} {
		if err := dir.Put("a", []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, ok := dir.Get("a"); !ok || string(got) != want {
			t.Errorf("Get = %q, %v; want %q", got, ok, want)
		}
	}
}

// TestEmptyEntry keeps nothing under a name, which is not the same as no entry.
func TestEmptyEntry(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	if err := dir.Put("x", nil); err != nil {
		t.Fatal(err)
	}
	if data, ok := dir.Get("x"); !ok || len(data) > 0 {
		t.Errorf("got %q, %v", data, ok)
	}
}

func TestDamageIsNoEntry(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	if err := dir.Put("a", []byte("content")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(string(dir), "a")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(file, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if got, ok := dir.Get("a"); ok {
			t.Errorf("the first %d bytes are taken for the entry %q", n, got)
		}
	}
}

func TestZeroDirKeepsNothing(t *testing.T) {
	var dir cache.Dir
	if err := dir.Sub("kind").Put("a", []byte("x")); err != nil {
		t.Error(err)
	}
	if _, ok := dir.Sub("kind").Get("a"); ok {
		t.Error("the zero Dir keeps something")
	}
}

func TestPutIsWhole(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	entries := [][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<20)}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := dir.Put("x", entries[i%2]); err != nil {
				t.Error(err)
			}
			got, ok := dir.Get("x")
			if !ok || !bytes.Equal(got, entries[0]) && !bytes.Equal(got, entries[1]) {
				t.Errorf("%d bytes that nobody put", len(got))
			}
		})
	}
	wg.Wait()
	if left, _ := os.ReadDir(string(dir)); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
}

func TestWriteFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(target, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := cache.WriteFile(target, []byte("x")); err == nil {
		t.Error("a file takes the place of a directory")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
}

func TestWriteFileKeepsPermissions(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.WriteFile(name, []byte("y")); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if after.Mode() != before.Mode() {
		t.Errorf("got %v, want %v", after.Mode(), before.Mode())
	}
}
