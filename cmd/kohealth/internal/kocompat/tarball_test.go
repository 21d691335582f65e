package kocompat

import (
	"errors"
	"log"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"
)

// halfWritten is a publisher whose disk is full in the middle of the tarball.
type halfWritten struct {
	publish.Interface
	file string
}

func (h halfWritten) Close() error {
	log.Printf("Saving %s", h.file)
	return errors.Join(os.WriteFile(h.file, []byte("half"), 0o644), &os.PathError{Op: "write", Path: h.file, Err: syscall.ENOSPC})
}

// TestTarballWhole checks that a tarball that cannot be written whole leaves the one that
// was there, and nothing else, and that the file is named that the user named.
func TestTarballWhole(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.tar")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	po := &options.PublishOptions{TarballFile: file}
	whole, err := SetTarball(po)
	if err != nil {
		t.Fatal(err)
	}
	whole.Interface = halfWritten{file: po.TarballFile}
	var said strings.Builder
	defer log.SetOutput(log.Writer())
	log.SetOutput(&said)
	err = whole.Close()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), file) || !strings.Contains(said.String(), "Saving "+file+"\n") {
		t.Errorf("got %v after %q", err, &said)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "old" {
		t.Errorf("%s holds %q, %v", file, data, err)
	}
}
