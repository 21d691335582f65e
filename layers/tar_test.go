package layers_test

import (
	"archive/tar"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/ko-health/kohealth/layers"
)

// entry is what a test compares of a tar header.
type entry struct {
	Name     string
	Type     byte
	Mode     int64
	UID, GID int
	Linkname string
	Content  string
}

// readLayer returns the headers and the contents of a layer's files, in their order.
func readLayer(t *testing.T, layer v1.Layer) ([]*tar.Header, map[string]string) {
	t.Helper()
	rc, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	var headers []*tar.Header
	contents := map[string]string{}
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, h)
		contents[h.Name] = string(content)
	}
}

func digest(t *testing.T, d interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLayer(t *testing.T) {
	long := "/" + strings.Repeat("d/", 150) + strings.Repeat("n", 120)
	files := []layers.File{
		{Path: "/usr/bin/healthcheck", Mode: 0o555, Content: []byte("probe")},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/usr", Mode: fs.ModeDir | 0o755},
		{Path: "/bin", Mode: fs.ModeSymlink | 0o777, Linkname: "usr/bin"},
		{Path: "/home/nonroot", Mode: fs.ModeDir | 0o700, UID: 65532, GID: 65533},
		{Path: "/empty", Mode: 0o644},
		{Path: "/usr/bin/su", Mode: fs.ModeSetuid | fs.ModeSetgid | 0o755, Content: []byte("su")},
		{Path: "/usr/bin/su2", Mode: fs.ModeSetuid | fs.ModeSetgid | 0o755, Linkname: "/usr/bin/su"},
		{Path: long, Mode: 0o644, Content: []byte("long")},
	}
	want := []entry{
		{Name: "bin", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "usr/bin"},
		{Name: long[1:], Type: tar.TypeReg, Mode: 0o644, Content: "long"},
		{Name: "empty", Type: tar.TypeReg, Mode: 0o644},
		{Name: "home/nonroot/", Type: tar.TypeDir, Mode: 0o700, UID: 65532, GID: 65533},
		{Name: "tmp/", Type: tar.TypeDir, Mode: 0o1777},
		{Name: "usr/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/healthcheck", Type: tar.TypeReg, Mode: 0o555, Content: "probe"},
		{Name: "usr/bin/su", Type: tar.TypeReg, Mode: 0o6755, Content: "su"},
		{Name: "usr/bin/su2", Type: tar.TypeLink, Mode: 0o6755, Linkname: "usr/bin/su"},
	}
	layer, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Layer(layer); err != nil {
		t.Error(err)
	}
	headers, contents := readLayer(t, layer)
	var got []entry
	for _, h := range headers {
		if !h.ModTime.Equal(time.Unix(0, 0)) || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s: time %v, owner %q:%q, want the epoch and no names", h.Name, h.ModTime, h.Uname, h.Gname)
		}
		// Extended headers are for what has no place in the plain ones.
		if h.PAXRecords != nil && h.Name != long[1:] {
			t.Errorf("%s: PAX records %v", h.Name, h.PAXRecords)
		}
		got = append(got, entry{h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, contents[h.Name]})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestLayerIsDeterministic(t *testing.T) {
	files := []layers.File{
		{Path: "/b", Mode: 0o644, Content: []byte("b")},
		{Path: "/a", Mode: 0o644, Content: []byte("a")},
		{Path: "/a.d", Mode: fs.ModeDir | 0o755},
		{Path: "/a.d/x", Mode: 0o644},
	}
	first, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	if files[0].Path != "/b" {
		t.Error("Layer sorted its caller's files")
	}
	slices.Reverse(files)
	second, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, first), digest(t, second); a != b {
		t.Errorf("digests differ with the order of the files: %v, %v", a, b)
	}
	files[0].Mode = 0o600
	third, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, first), digest(t, third); a == b {
		t.Error("another mode gave the same digest")
	}
}

func TestLayerMediaType(t *testing.T) {
	digests := map[v1.Hash]bool{}
	for _, want := range []types.MediaType{types.OCILayer, types.DockerLayer} {
		layer, err := layers.Layer([]layers.File{{Path: "/a", Mode: 0o644}}, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := layer.MediaType(); err != nil || got != want {
			t.Errorf("MediaType() = %q, %v, want %q", got, err, want)
		}
		digests[digest(t, layer)] = true
	}
	if len(digests) != 1 {
		t.Errorf("the media type changed the bytes: %v", slices.Collect(maps.Keys(digests)))
	}
	for _, bad := range []types.MediaType{"", types.OCILayerZStd, types.OCIUncompressedLayer} {
		if _, err := layers.Layer(nil, bad); err == nil || !strings.Contains(err.Error(), "unsupported media type") {
			t.Errorf("Layer(nil, %q) error = %v", bad, err)
		}
	}
}

func TestLayerRefuses(t *testing.T) {
	regular := func(path string) []layers.File { return []layers.File{{Path: path, Mode: 0o644}} }
	tests := []struct {
		name  string
		files []layers.File
		want  string
	}{
		{"relative", regular("usr/bin"), `adding "usr/bin": path is not absolute`},
		{"empty", regular(""), "path is not absolute"},
		{"root", regular("/"), "path is not clean"},
		{"slash at the end", regular("/usr/"), "path is not clean"},
		{"two slashes", regular("//usr"), "path is not clean"},
		{"parent", regular("/usr/../etc"), "path is not clean"},
		{"NUL", regular("/a\x00b"), "adding"},
		{"whiteout", regular("/etc/.wh.passwd"), "reserved for whiteouts"},
		{"duplicate", append(regular("/a"), regular("/a")...), `adding "/a": duplicate path`},
		{"duplicate of another type", append(regular("/a"), layers.File{Path: "/a", Mode: fs.ModeDir | 0o755}), "duplicate path"},
		{"device", []layers.File{{Path: "/dev/null", Mode: fs.ModeDevice | 0o666}}, "unsupported mode"},
		{"fifo", []layers.File{{Path: "/p", Mode: fs.ModeNamedPipe | 0o666}}, "unsupported mode"},
		{"link and directory", []layers.File{{Path: "/l", Mode: fs.ModeSymlink | fs.ModeDir, Linkname: "x"}}, "unsupported mode"},
		{"link to nothing", []layers.File{{Path: "/l", Mode: fs.ModeSymlink | 0o777}}, "with link target"},
		{"target of a directory", []layers.File{{Path: "/l", Mode: fs.ModeDir | 0o755, Linkname: "x"}}, "with link target"},
		{"hard link to nothing", []layers.File{{Path: "/l", Mode: 0o644, Linkname: "/a"}}, "it is a hard link to \"/a\", which is not before it"},
		{"hard link to a later file", []layers.File{{Path: "/l", Mode: 0o644, Linkname: "/x"}, {Path: "/x", Mode: 0o644}}, "which is not before it"},
		{"hard link to a directory", []layers.File{{Path: "/l", Mode: 0o644, Linkname: "/d"}, {Path: "/d", Mode: fs.ModeDir | 0o755}}, "which is not before it"},
		{"hard link with content", []layers.File{{Path: "/a", Mode: 0o644}, {Path: "/l", Mode: 0o644, Linkname: "/a", Content: []byte("x")}}, "with content"},
		{"content of a directory", []layers.File{{Path: "/d", Mode: fs.ModeDir | 0o755, Content: []byte("x")}}, "with content"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := layers.Layer(tt.files, types.OCILayer); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to contain %q", err, tt.want)
			}
		})
	}
}
