//go:build unix

package cache_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ko-health/kohealth/layers/cache"
)

func TestWriteFileRespectsUmask(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for _, mask := range []int{0o077, 0o027, 0o002} {
		old := syscall.Umask(mask)
		err := cache.WriteFile(name, nil)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := os.FileMode(0o666 &^ mask); info.Mode() != want {
			t.Errorf("umask %03o: got %v, want %v", mask, info.Mode(), want)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}
