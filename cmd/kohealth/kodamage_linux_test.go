package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
)

// TestKoCacheDamaged flips a bit in the middle of each file in ko's cache, one after the
// other, and takes four bytes of the program for others. No build is another.
func TestKoCacheDamaged(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a score of images: make test does")
	}
	t.Parallel()
	s := newWorkshop(t)
	want := s.reference()
	files := s.koFiles()
	if len(files) < 8 {
		t.Fatalf("ko's cache holds %q only", files)
	}
	for _, file := range files {
		s.damage(file, func(data []byte) { data[len(data)/2] ^= 4 })
		s.checkBuilt(s.build(), want)
	}
	for _, file := range files {
		if filepath.Base(file) == "out" {
			s.damage(file, func(data []byte) { copy(data[len(data)/3:], "pwnd") })
			s.checkBuilt(s.build(), want)
		}
	}
}

// koFiles returns the files in the caches that kohealth gives ko.
func (s *workshop) koFiles() (files []string) {
	s.Helper()
	err := filepath.WalkDir(s.path("home/cache/kohealth/ko"), func(path string, f fs.DirEntry, err error) error {
		if err == nil && !f.IsDir() && !strings.HasSuffix(path, kocompat.LockSuffix) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return files
}

func (s *workshop) damage(file string, change func([]byte)) {
	s.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	change(data)
	if err := os.WriteFile(file, data, 0o777); err != nil {
		s.Fatal(err)
	}
}

// TestCacheOnFullDisk builds with caches on disks of several sizes, all of them too small.
func TestCacheOnFullDisk(t *testing.T) {
	s := newWorkshop(t)
	want := s.reference()
	for _, size := range []string{"4k", "64k", "512k", "1m", "2m"} {
		dir := s.mkdir("disk-" + size)
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			if os.Getenv("KOHEALTH_TEST_ENGINES") != "" {
				t.Fatalf("making a disk of %s: %v", size, err)
			}
			t.Skipf("a disk of %s cannot be made: %v", size, err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
		for range 2 {
			s.checkBuilt(s.build("XDG_CACHE_HOME="+dir), want)
		}
	}
}
