package rootfs

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"path"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// FuzzLayers reads two layers of any bytes: what is found has a path that is one, and what
// is put there is found.
func FuzzLayers(f *testing.F) {
	tarOf := func(headers ...tar.Header) []byte {
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		for _, h := range headers {
			if err := tw.WriteHeader(&h); err != nil {
				f.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	low := tarOf(tar.Header{Name: "usr/bin/", Typeflag: tar.TypeDir}, tar.Header{Name: "bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "usr/bin/sh", Typeflag: tar.TypeReg}, tar.Header{Name: "loop", Linkname: "loop", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "hard", Linkname: "usr/bin/sh", Typeflag: tar.TypeLink})
	high := tarOf(tar.Header{Name: "bin/curl", Typeflag: tar.TypeReg}, tar.Header{Name: ".wh.hard"}, tar.Header{Name: "usr/.wh..wh..opq"},
		tar.Header{Name: "../../x", Typeflag: tar.TypeReg}, tar.Header{Name: "a", Linkname: "../../..", Typeflag: tar.TypeSymlink})
	f.Add(low, high, "/bin/curl")
	f.Add(high, low, "/loop/../a/./usr/bin/sh")
	f.Add(low[:700], []byte{}, "")
	f.Fuzz(func(t *testing.T, low, high []byte, name string) {
		layers := []v1.Layer{stubOf(func() io.Reader { return bytes.NewReader(low) }), stubOf(func() io.Reader { return bytes.NewReader(high) })}
		lazy := New(layers)
		defer lazy.Close()
		look(t, lazy, name)
		if all, err := Read(layers, ""); err == nil {
			look(t, all, name)
			put(t, all.Clone(), name)
		}
	})
}

// look asks for whatever there is at a path.
func look(t *testing.T, f *FS, name string) {
	if e, err := f.Lookup(name); err == nil && (!path.IsAbs(e.Path) || path.Clean(e.Path) != e.Path) {
		t.Errorf("Lookup(%q) = %q", name, e.Path)
	}
	if to, err := f.Resolve(name); err == nil && (!path.IsAbs(to) || path.Clean(to) != to) {
		t.Errorf("Resolve(%q) = %q", name, to)
	}
	if r, err := f.Open(name); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	}
	_, _ = f.First([]string{name})
}

// put puts a file where a path leads to.
func put(t *testing.T, f *FS, name string) {
	at, err := f.Resolve(name)
	if err != nil || at == "/" {
		return
	}
	f.Put(at, fs.ModeDir|0o755, "")
	if e, ok := f.At(at); !ok || e.Path != at || e.Type != tar.TypeDir {
		t.Errorf("%q was put at %q: there is %+v", name, at, e)
	}
}
