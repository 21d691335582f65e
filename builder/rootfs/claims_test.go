package rootfs_test

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers/cache"
)

// as returns a layer under the names of another.
func as(t *testing.T, content, digest, diffID v1.Layer) v1.Layer {
	t.Helper()
	d, err := digest.Digest()
	if err != nil {
		t.Fatal(err)
	}
	id, err := diffID.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	return claiming{content, d, id}
}

// TestReadBelievesNoName shows a layer under another one's digest or diff_id: nothing of
// it is kept, and what it pretended to be is read as what it is.
func TestReadBelievesNoName(t *testing.T) {
	genuine, evil := layer(t, file("bin/real")), layer(t, link("bin", "evil"))
	for name, tt := range map[string]struct {
		liar v1.Layer
		want string
	}{
		"digest":           {as(t, evil, genuine, genuine), "digest did not match"},
		"digest alone":     {as(t, evil, genuine, evil), "digest did not match"},
		"diff_id":          {as(t, evil, evil, genuine), "diff_id did not match"},
		"diff_id of a lie": {as(t, genuine, genuine, evil), "diff_id did not match"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := cache.Dir(t.TempDir())
			digest, err := tt.liar.Digest()
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time nothing may be there of the first
				_, err := rootfs.Read([]v1.Layer{tt.liar}, dir)
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), digest.String()) {
					t.Errorf("Read: %v, want %q of %s", err, tt.want, digest)
				}
				lazy := rootfs.New([]v1.Layer{tt.liar})
				if _, err := lazy.Lookup("/bin/real"); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Lookup: %v, want %q", err, tt.want)
				}
			}
			fsys, err := rootfs.Read([]v1.Layer{genuine}, dir)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := fsys.Lookup("/bin/real"); err != nil || e.Path != "/bin/real" {
				t.Errorf("after the lie the genuine layer has %+v, %v", e, err)
			}
			// The other way round: what is known of the genuine layer says nothing for the liar.
			if _, err := rootfs.Read([]v1.Layer{tt.liar}, dir); name != "digest" && name != "diff_id" {
				if err == nil {
					t.Error("with the genuine layer in the cache, the lie is not found")
				}
			}
		})
	}
}

// TestID tells file systems apart by what was verified.
func TestID(t *testing.T) {
	a, b := layer(t, file("a")), layer(t, file("b"))
	ids := map[string]bool{}
	for _, layers := range [][]v1.Layer{{a}, {b}, {a, b}, {b, a}} {
		id := read(t, layers...).ID()
		if id == "" || ids[id] {
			t.Errorf("ID %q", id)
		}
		ids[id] = true
	}
	if id := read(t, a).Clone().ID(); id != "" {
		t.Errorf("ID %q of a file system that was changed", id)
	}
	if id := rootfs.New([]v1.Layer{a}).ID(); id != "" {
		t.Errorf("ID %q of a file system that was not read", id)
	}
}

// TestDuplicates shows layers in which a path comes up more than once: the last entry
// counts, as it does when a runtime unpacks the layer.
func TestDuplicates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers []tar.Header
		want    map[string]string // the path that is found; "" means nothing is there
	}{
		{"two files", []tar.Header{{Name: "a", Typeflag: tar.TypeReg, Mode: 0o644}, {Name: "./a", Typeflag: tar.TypeReg, Mode: 0o755}},
			map[string]string{"/a": "/a"}},
		{"a link over a file", []tar.Header{file("a"), file("b"), link("a", "b")}, map[string]string{"/a": "/b"}},
		{"a file over a link", []tar.Header{file("b"), link("a", "b"), file("a")}, map[string]string{"/a": "/a"}},
		{"a file over a directory", []tar.Header{dir("a"), file("a/x"), file("a/y/z"), file("a")},
			map[string]string{"/a": "/a", "/a/x": "", "/a/y": "", "/a/y/z": ""}},
		{"a directory again", []tar.Header{dir("a"), file("a/x"), file("a"), dir("a"), file("a/y")},
			map[string]string{"/a": "/a", "/a/x": "", "/a/y": "/a/y"}},
		{"a directory twice", []tar.Header{dir("a"), file("a/x"), dir("a")}, map[string]string{"/a/x": "/a/x"}},
		{"a link over a directory", []tar.Header{dir("a"), file("a/x"), file("b/x"), link("a", "b")}, map[string]string{"/a/x": "/b/x"}},
		{"a header for all", []tar.Header{{Name: "a", Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}},
			map[string]string{"/a": "", "/pax_global_header": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := layer(t, tt.headers...)
			for kind, fsys := range map[string]*rootfs.FS{"Read": read(t, l), "New": rootfs.New([]v1.Layer{l})} {
				for name, want := range tt.want {
					e, err := fsys.Lookup(name)
					if err != nil && !errors.Is(err, fs.ErrNotExist) || (err == nil) != (want != "") || e.Path != want {
						t.Errorf("%s: Lookup(%q) = %q, %v; want %q", kind, name, e.Path, err, want)
					}
				}
			}
		})
	}
}

// TestDuplicateContent reads what the last entry of a path holds, and a hard link holds
// what its target held when it was made.
func TestDuplicateContent(t *testing.T) {
	l := layer(t, file("a"), hardLink("b", "a"), file("./a"))
	fsys, lazy := read(t, l), rootfs.New([]v1.Layer{l})
	defer lazy.Close()
	for name, want := range map[string]string{"/a": "./a", "/b": "a"} {
		if data, err := fsys.ReadFile(name, 10); err != nil || string(data) != want {
			t.Errorf("ReadFile(%q) = %q, %v; want %q", name, data, err, want)
		}
		r, err := lazy.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(r); err != nil || string(data) != want {
			t.Errorf("Open(%q) reads %q, %v; want %q", name, data, err, want)
		}
	}
}

// TestNamesAreBytes reads names that are not UTF-8 from a layer and from the cache.
func TestNamesAreBytes(t *testing.T) {
	const name = "bin/\xff\xfe"
	l, dir := layer(t, file(name), link("link\xff", name)), cache.Dir(t.TempDir())
	for _, when := range []string{"first", "cached"} {
		fsys, err := rootfs.Read([]v1.Layer{l}, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, there := range []string{"/" + name, "/link\xff"} {
			if e, err := fsys.Lookup(there); err != nil || e.Path != "/"+name {
				t.Errorf("%s: Lookup(%q) = %q, %v", when, there, e.Path, err)
			}
		}
		if e, err := fsys.Lookup("/bin/\uFFFD\uFFFD"); err == nil {
			t.Errorf("%s: there is %q", when, e.Path)
		}
	}
}
