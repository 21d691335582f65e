package rootfs_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

// layer returns a layer of the headers. A regular file holds its own name.
func layer(t *testing.T, headers ...tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content = h.Name
		}
		h.Size = int64(len(content))
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func file(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }
func dir(name string) tar.Header  { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }
func link(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
}
func hardLink(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}
}

func read(t *testing.T, layers ...v1.Layer) *rootfs.FS {
	t.Helper()
	fsys, err := rootfs.Read(layers, "")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestLookup(t *testing.T) {
	layers := []v1.Layer{
		layer(t, dir("usr/"), dir("usr/bin/"), file("usr/bin/busybox"), link("bin", "usr/bin"),
			link("usr/bin/sh", "/bin/busybox"), link("usr/bin/up", "../lib/../bin/sh"), link("usr/lib", "../opt/lib"),
			file("opt/bin/sh"), file("opt/lib/x"), link("loop", "loop"), file("gone"), file("dir/a"), file("dir/b"), dir("taken/"), file("taken/x"),
			hardLink("usr/bin/wget", "usr/bin/busybox"), file("again/old"), file("replaced/old"), link("sbin", "usr/sbin")),
		layer(t, file(".wh.gone"), file("dir/c"), file("dir/.wh..wh..opq"), file("taken"), file("bin/curl"),
			file(".wh.again"), file("again/new"), link("replaced", "opt")),
		layer(t, dir("replaced/"), file("replaced/new"), dir("sbin/"), file("sbin/fsck")),
	}
	for _, tt := range []struct {
		name, want string // want "" means nothing is there
	}{
		{"/bin/sh", "/usr/bin/busybox"},
		{"bin/busybox", "/usr/bin/busybox"},
		{"/usr/bin/up", "/opt/bin/sh"}, // .. after a link leaves the link's target
		{"/usr/lib/x", "/opt/lib/x"},
		{"/opt", "/opt"}, // no entry of its own
		{"/loop", ""},
		{"/loop/x", ""},
		{"/gone", ""},
		{"/dir/a", ""},
		{"/dir/c", "/dir/c"},
		{"/taken", "/taken"},
		{"/taken/x", ""},
		{"/", "/"},
		{"/nowhere/x", ""},
		{"/bin/wget", "/usr/bin/busybox"}, // a hard link
		{"/bin/curl", "/bin/curl"},        // written through the link /bin
		{"/again/old", ""},
		{"/again/new", "/again/new"},
		{"/replaced/old", ""},
		{"/replaced/new", "/replaced/new"},
		{"/replaced/lib/x", ""},
		{"/sbin/fsck", "/sbin/fsck"}, // a directory that has taken the place of a link
	} {
		all := read(t, layers...)
		lazy := rootfs.New(layers) // for every name anew: what was read before must not matter
		for kind, fsys := range map[string]*rootfs.FS{"Read": all, "New": lazy} {
			e, err := fsys.Lookup(tt.name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || (err == nil) != (tt.want != "") || e.Path != tt.want {
				t.Errorf("%s: Lookup(%q) = %q, %v; want %q", kind, tt.name, e.Path, err, tt.want)
			}
		}
		if err := lazy.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen(t *testing.T) {
	fsys := rootfs.New([]v1.Layer{
		layer(t, file("bin/busybox"), hardLink("bin/sh", "bin/busybox"), file("etc/passwd"), dir("tmp/")),
		layer(t, file("etc/group")),
	})
	defer fsys.Close()
	for _, name := range []string{"/etc/passwd", "/bin/sh", "/etc/passwd", "/etc/group", "/etc/passwd"} {
		r, err := fsys.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"/bin/sh": "bin/busybox"}[name]
		got, err := io.ReadAll(r)
		if err != nil || string(got) != cmp.Or(want, name[1:]) {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if _, err := fsys.Open("/tmp"); err == nil {
		t.Error("a directory is opened")
	}
	if _, err := fsys.Open("/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
}

// Layers below an answer are not read, and its own only once.
func TestLookupReadsNoLayerBelow(t *testing.T) {
	top := &counted{Layer: layer(t, dir("usr/"), file("usr/curl"), file("usr/other"))}
	fsys := rootfs.New([]v1.Layer{unreadable{layer(t, file("x"))}, top})
	defer fsys.Close()
	for range 2 {
		if _, err := fsys.Lookup("/usr/curl"); err != nil {
			t.Fatal(err)
		}
	}
	if top.opened != 1 {
		t.Errorf("opened %d times", top.opened)
	}
	if _, err := fsys.Lookup("/usr/wget"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a layer that cannot be read is taken for one that holds nothing: %v", err)
	}
}

// A layer of 256 MB is passed over in little memory.
func TestBigLayer(t *testing.T) {
	big := zeros{layer(t), 256 << 20}
	rc, err := big.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := v1.SHA256(rc)
	if err != nil {
		t.Fatal(err)
	}
	fsys := rootfs.New([]v1.Layer{layer(t, file("usr/curl")), claiming{big, digest, digest}})
	defer fsys.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := fsys.Lookup("/usr/curl"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 16<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
}

// zeros is a layer with one file of zeros, not compressed.
type zeros struct {
	v1.Layer
	size int64
}

func (z zeros) Compressed() (io.ReadCloser, error) {
	pr, pw := io.Pipe()
	go func() {
		tw := tar.NewWriter(pw)
		h := file("big")
		h.Size = z.size
		err := tw.WriteHeader(&h)
		for chunk := make([]byte, 1<<20); err == nil && h.Size > 0; h.Size -= int64(len(chunk)) {
			_, err = tw.Write(chunk)
		}
		pw.CloseWithError(errors.Join(err, tw.Close()))
	}()
	return pr, nil
}

// A claiming layer has other names than its own.
type claiming struct {
	v1.Layer
	digest, diffID v1.Hash
}

func (c claiming) Digest() (v1.Hash, error) { return c.digest, nil }
func (c claiming) DiffID() (v1.Hash, error) { return c.diffID, nil }

// A counted layer counts how often it is read.
type counted struct {
	v1.Layer
	opened int
}

func (c *counted) Compressed() (io.ReadCloser, error) {
	c.opened++
	return c.Layer.Compressed()
}

func TestResolveKeepsLastLink(t *testing.T) {
	fsys := read(t, layer(t, link("usr", "/system"), link("system/bin", "tools"), link("system/tools/healthcheck", "/x")))
	for name, want := range map[string]string{
		"/usr/bin/healthcheck":    "/system/tools/healthcheck",
		"/usr/local/bin/x":        "/system/local/bin/x",
		"/../../usr/bin/../bin/y": "/system/tools/y",
	} {
		got, err := fsys.Resolve(name)
		if err != nil || got != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestReadKeepsListings(t *testing.T) {
	cacheDir := cache.Dir(t.TempDir())
	l := layer(t, file("a"))
	if _, err := rootfs.Read([]v1.Layer{l}, cacheDir); err != nil {
		t.Fatal(err)
	}
	fsys, err := rootfs.Read([]v1.Layer{unreadable{l}}, cacheDir)
	if err != nil {
		t.Fatalf("a layer that was read before is read again: %v", err)
	}
	if _, err := fsys.Lookup("/a"); err != nil {
		t.Error(err)
	}
}

// A registry that sends something else than the digest says is found out, and what
// it sent is not kept.
func TestReadChecksDigest(t *testing.T) {
	want, sent := layer(t, file("real")), layer(t, link("usr", "evil"))
	blob := func(l v1.Layer) []byte {
		rc, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		data, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	digest, err := want.Digest()
	if err != nil {
		t.Fatal(err)
	}
	body := append(blob(sent), bytes.Repeat([]byte{0}, max(0, len(blob(want))-len(blob(sent))))...)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			w.Write(body)
		}
	}))
	defer srv.Close()
	ref, err := name.NewDigest(strings.TrimPrefix(srv.URL, "http://") + "/repo@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := remote.Layer(ref)
	if err != nil {
		t.Fatal(err)
	}
	dir := cache.Dir(t.TempDir())
	if _, err := rootfs.Read([]v1.Layer{l}, dir); err == nil {
		t.Error("another layer is taken for the one that was asked for")
	}
	if _, ok := dir.Get(digest.Hex); ok {
		t.Error("the listing of another layer is kept")
	}
}

// What was damaged on the way is read once more.
func TestReadsAgain(t *testing.T) {
	l := &flaky{Layer: layer(t, file("a"))}
	if _, err := rootfs.Read([]v1.Layer{l}, ""); err != nil || l.opened != 2 {
		t.Errorf("%v after opening it %d times", err, l.opened)
	}
}

// A flaky layer cannot be read the first time.
type flaky struct {
	v1.Layer
	opened int
}

func (f *flaky) Compressed() (io.ReadCloser, error) {
	if f.opened++; f.opened == 1 {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", 1024))), nil
	}
	return f.Layer.Compressed()
}

// unreadable is a layer that must not be read.
type unreadable struct{ v1.Layer }

func (unreadable) Uncompressed() (io.ReadCloser, error) { return nil, errors.New("read") }
func (unreadable) Compressed() (io.ReadCloser, error)   { return nil, errors.New("read") }

func TestReadFile(t *testing.T) {
	content := func(name, text string) v1.Layer {
		l, err := layers.Layer([]layers.File{{Path: name, Mode: 0o644, Content: []byte(text)}}, types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	dir := cache.Dir(t.TempDir())
	top := content("/usr/lib/db", "new")
	all := []v1.Layer{layer(t, link("lib", "usr/lib"), link("dangling", "nowhere")), content("/usr/lib/db", "old"), top}
	fsys, err := rootfs.Read(all, dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the cache
		if data, err := fsys.ReadFile("/lib/db", limits.Key); err != nil || string(data) != "new" {
			t.Errorf("ReadFile() = %q, %v", data, err)
		}
		all[2] = unreadable{top}
		if fsys, err = rootfs.Read(all, dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/usr/lib", "/nowhere", "/dangling"} {
		if data, err := fsys.ReadFile(name, limits.Key); err == nil {
			t.Errorf("ReadFile(%q) = %q", name, data)
		}
	}
}

// A copy is a file system of its own.
func TestCloneAndPut(t *testing.T) {
	fsys := read(t, layer(t, dir("usr/"), link("bin", "usr/bin")))
	clone := fsys.Clone()
	clone.Put("/usr/bin", fs.ModeDir|0o755, "")
	clone.Put("/usr/bin/sh", fs.ModeSymlink|0o777, "busybox")
	clone.Put("/usr/bin/busybox", 0o755, "")
	if e, err := clone.Lookup("/bin/sh"); err != nil || e.Path != "/usr/bin/busybox" {
		t.Errorf("Lookup = %+v, %v", e, err)
	}
	if at, err := clone.Follow("/bin/sh"); err != nil || at != "/usr/bin/busybox" {
		t.Errorf("Follow = %q, %v", at, err)
	}
	if e, ok := clone.At("/usr/bin/sh"); !ok || e.Linkname != "busybox" {
		t.Errorf("At = %+v, %v", e, ok)
	}
	if _, err := clone.ReadFile("/usr/bin/busybox", limits.Key); err == nil {
		t.Error("what no layer holds is read")
	}
	if _, err := fsys.Lookup("/bin/sh"); err == nil {
		t.Error("the original has changed")
	}
}

// TestCloneWritesThroughLinks finds in a copy what a layer has written through a link of the
// layer below it.
func TestCloneWritesThroughLinks(t *testing.T) {
	fsys := read(t, layer(t, dir("usr/"), dir("usr/bin/"), link("bin", "usr/bin")), layer(t, file("bin/x")))
	if _, err := fsys.Lookup("/bin/x"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*rootfs.FS{fsys, fsys.Clone(), fsys.Clone().Clone()} {
		if _, err := f.Lookup("/usr/bin/x"); err != nil { // with the link that was come across before
			t.Error(err)
		}
	}
}
