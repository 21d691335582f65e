package rootfs_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers/cache"
)

func layer(t *testing.T, headers ...tar.Header) v1.Layer {
	t.Helper()
	return layerOf(t, headers, make([]string, len(headers)))
}

// layerOf returns a layer of files with contents.
func layerOf(t *testing.T, headers []tar.Header, contents []string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for i, h := range headers {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, contents[i]); err != nil {
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

func read(t *testing.T, layers ...v1.Layer) *rootfs.FS {
	t.Helper()
	fsys, err := rootfs.Read(layers, "")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestLookup(t *testing.T) {
	fsys := read(t,
		layer(t, dir("usr/"), dir("usr/bin/"), file("usr/bin/busybox"), link("bin", "usr/bin"),
			link("usr/bin/sh", "/bin/busybox"), link("usr/bin/up", "../lib/../bin/sh"), link("usr/lib", "../opt/lib"),
			file("opt/bin/sh"), file("opt/lib/x"), link("loop", "loop"), file("gone"), file("dir/a"), file("dir/b"), dir("taken/"), file("taken/x")),
		layer(t, file(".wh.gone"), file("dir/c"), file("dir/.wh..wh..opq"), file("taken")),
	)
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
	} {
		e, ok := fsys.Lookup(tt.name)
		if ok != (tt.want != "") || e.Path != tt.want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", tt.name, e.Path, ok, tt.want)
		}
	}
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
	if _, ok := fsys.Lookup("/a"); !ok {
		t.Error("/a is lost")
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

// unreadable is a layer that must not be read.
type unreadable struct{ v1.Layer }

func (unreadable) Uncompressed() (io.ReadCloser, error) { return nil, errors.New("read") }
func (unreadable) Compressed() (io.ReadCloser, error)   { return nil, errors.New("read") }
