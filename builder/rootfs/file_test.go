package rootfs_test

import (
	"archive/tar"
	"errors"
	"io/fs"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/rootfs"
)

// filled returns a layer of files, each with its content after "=", of symbolic links
// ("->") and of hard links ("~").
func filled(t *testing.T, files ...string) v1.Layer {
	t.Helper()
	var headers []tar.Header
	var contents []string
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		h := tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}
		if from, to, ok := strings.Cut(name, "->"); ok {
			h = link(from, to)
		}
		if from, to, ok := strings.Cut(name, "~"); ok {
			h = tar.Header{Name: from, Typeflag: tar.TypeLink, Linkname: to}
		}
		headers, contents = append(headers, h), append(contents, content)
	}
	return layerOf(t, headers, contents)
}

func TestReadFile(t *testing.T) {
	layers := []v1.Layer{
		filled(t, "usr/bin/a=old", "usr/bin/b=b", "bin->usr/bin", "link->/bin/b", "gone=x", "big=123456789"),
		filled(t, "usr/bin/a=new", "hard~usr/bin/b", "twice=1", "twice=2", ".wh.gone", "self~self"),
		filled(t, "usr/bin/b=newer"),
	}
	for name, want := range map[string]string{
		"/usr/bin/a": "new", "/bin/a": "new", "/link": "newer", "/bin/b": "newer", "/twice": "2",
		"/hard": "b", // the link was made before
	} {
		got, mode, err := rootfs.ReadFile(layers, name, 8, "")
		if err != nil || string(got) != want || mode != 0o755 {
			t.Errorf("ReadFile(%q) = %q, %v, %v; want %q", name, got, mode, err, want)
		}
	}
	for name, want := range map[string]string{
		"/usr/bin": "not a regular file", "/big": "more than 8", "/self": "too many hard links",
	} {
		if _, _, err := rootfs.ReadFile(layers, name, 8, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadFile(%q): %v, want %q", name, err, want)
		}
	}
	for _, name := range []string{"/gone", "/nowhere/a"} {
		if _, _, err := rootfs.ReadFile(layers, name, 8, ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadFile(%q): %v, want that there is none", name, err)
		}
	}
}
