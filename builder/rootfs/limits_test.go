package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
)

// A stub is a layer of any content, whose digest nobody checks.
type stub struct {
	v1.Layer
	open func() io.Reader
}

func (s stub) Uncompressed() (io.ReadCloser, error) { return io.NopCloser(s.open()), nil }

func stubOf(open func() io.Reader) v1.Layer {
	return stub{static.NewLayer([]byte("stub"), types.OCILayer), open}
}

func archive(t *testing.T, headers ...tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range headers {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return static.NewLayer(b.Bytes(), types.OCIUncompressedLayer)
}

func readAll(layers ...v1.Layer) error {
	_, err := Read(layers, "")
	return err
}

func TestPathLimit(t *testing.T) {
	longest := int(limits.Path.Max()) - 1
	name := strings.Repeat("d/", longest/2) + "f"
	for kind, of := range map[string]func(string) tar.Header{
		"name":      func(s string) tar.Header { return tar.Header{Name: s, Typeflag: tar.TypeReg} },
		"link":      func(s string) tar.Header { return tar.Header{Name: "l", Linkname: s, Typeflag: tar.TypeSymlink} },
		"hard link": func(s string) tar.Header { return tar.Header{Name: "l", Linkname: s, Typeflag: tar.TypeLink} },
		"unclean": func(s string) tar.Header {
			return tar.Header{Name: strings.ReplaceAll(s, "d/", "./"), Typeflag: tar.TypeReg}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			limitstest.Check(t, limits.Path, readAll(archive(t, of(name))), readAll(archive(t, of(name+"f"))))
		})
	}
}

// A layer of many gigabytes is passed over.
func TestLayerLimit(t *testing.T) {
	of := func(size int64) v1.Layer {
		var head bytes.Buffer
		h := tar.Header{Name: "big", Typeflag: tar.TypeReg, Size: limits.Layer.Max() - 3*512, Format: tar.FormatGNU}
		if err := tar.NewWriter(&head).WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		return stubOf(func() io.Reader {
			return io.MultiReader(bytes.NewReader(head.Bytes()), io.LimitReader(nothing{}, size-int64(head.Len())))
		})
	}
	scanned := func(size int64) error {
		_, err := scan(&layer{Layer: of(size)}, &spent{})
		return err
	}
	limitstest.Check(t, limits.Layer, scanned(limits.Layer.Max()), scanned(limits.Layer.Max()+1))
}

// nothing reads as zeros in a buffer that holds nothing else.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	if len(p) <= 512 {
		clear(p)
	}
	return len(p), nil
}

func TestEntriesLimit(t *testing.T) {
	l := archive(t, tar.Header{Name: "a/b", Typeflag: tar.TypeReg}) // and the directories / and /a
	add := func(before int64) error {
		f := &FS{spent: &spent{entries: before}}
		return f.Add([]v1.Layer{l}, "")
	}
	limitstest.Check(t, limits.Entries, add(limits.Entries.Max()-3), add(limits.Entries.Max()-2))
	list := func(before int64) error {
		_, err := scan(newLayer(l, nil), &spent{entries: before})
		return err
	}
	limitstest.Check(t, limits.Entries, list(limits.Entries.Max()-1), list(limits.Entries.Max()))
	lookup := func(before int64) error {
		f := New([]v1.Layer{l})
		f.spent.entries = before
		_, err := f.Lookup("/a/b")
		return err
	}
	limitstest.Check(t, limits.Entries, lookup(limits.Entries.Max()-3), lookup(limits.Entries.Max()-2))
}

func TestNamesLimit(t *testing.T) {
	l := archive(t, tar.Header{Name: "a/b", Linkname: "c", Typeflag: tar.TypeSymlink})
	add := func(before int64) error {
		f := &FS{spent: &spent{names: before}}
		return f.Add([]v1.Layer{l}, "")
	}
	size := int64(len("/a/b" + "c"))
	limitstest.Check(t, limits.Names, add(limits.Names.Max()-size), add(limits.Names.Max()-size+1))

	// Extended headers count, too: those that nobody looks at take memory.
	h := &tar.Header{Name: "a", PAXRecords: map[string]string{"comment": "12345"}}
	check := func(before int64) error { return (&stream{names: before}).check(h) }
	size = int64(len("a" + "comment" + "12345"))
	limitstest.Check(t, limits.Names, check(limits.Names.Max()-size), check(limits.Names.Max()-size+1))
}

func TestLinksLimit(t *testing.T) {
	lookup := func(links int) error {
		headers := []tar.Header{{Name: "l0", Typeflag: tar.TypeReg}}
		for i := range links {
			headers = append(headers, tar.Header{Name: fmt.Sprint("l", i+1), Linkname: fmt.Sprint("l", i), Typeflag: tar.TypeSymlink})
		}
		return lookupIn(t, headers, fmt.Sprint("/l", links))
	}
	most := int(limits.Links.Max())
	limitstest.Check(t, limits.Links, lookup(most), lookup(most+1))
}

// lookupIn looks a path up in a layer.
func lookupIn(t *testing.T, headers []tar.Header, name string) error {
	t.Helper()
	f, err := Read([]v1.Layer{archive(t, headers...)}, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Lookup(name)
	return err
}

// Links of all directories of a path count together, those that an earlier look-up has
// followed, too.
func TestLinksOfDirectoriesCount(t *testing.T) {
	most := int(limits.Links.Max())
	headers := []tar.Header{{Name: "d0/", Typeflag: tar.TypeDir}, {Name: "d0/f0", Typeflag: tar.TypeReg}}
	for i := range most {
		headers = append(headers,
			tar.Header{Name: fmt.Sprint("d", i+1), Linkname: fmt.Sprint("d", i), Typeflag: tar.TypeSymlink},
			tar.Header{Name: fmt.Sprint("d0/f", i+1), Linkname: fmt.Sprint("f", i), Typeflag: tar.TypeSymlink})
	}
	f, err := Read([]v1.Layer{archive(t, headers...)}, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for files, ok := range map[int]bool{most - 20: true, most - 19: false, most: false} {
			if _, err := f.Lookup(fmt.Sprint("/d20/f", files)); (err == nil) != ok {
				t.Errorf("20 links to a directory and %d to a file: %v", files, err)
			}
		}
	}
}

// A hard link that stands before the file that it names is followed when it is looked up.
func TestHardLinksLimit(t *testing.T) {
	lookup := func(links int) error {
		var headers []tar.Header
		for i := links; i > 0; i-- {
			headers = append(headers, tar.Header{Name: fmt.Sprint("l", i), Linkname: fmt.Sprint("l", i-1), Typeflag: tar.TypeLink})
		}
		return lookupIn(t, append(headers, tar.Header{Name: "l0", Typeflag: tar.TypeReg}), fmt.Sprint("/l", links))
	}
	most := int(limits.Links.Max())
	limitstest.Check(t, limits.Links, lookup(most), lookup(most+1))
}

func TestReadFileLimit(t *testing.T) {
	for _, limit := range []limits.Limit{limits.Key, limits.Program} {
		read := func(n int64) error {
			var head bytes.Buffer
			if err := tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "f", Typeflag: tar.TypeReg, Size: n}); err != nil {
				t.Fatal(err)
			}
			end := (n+511)/512*512 + 1024
			l := &layer{Layer: stubOf(func() io.Reader {
				return io.MultiReader(bytes.NewReader(head.Bytes()), io.LimitReader(nothing{}, end))
			})}
			_, err := l.read(Entry{}, limit)
			return err
		}
		limitstest.Check(t, limit, read(limit.Max()), read(limit.Max()+1))
	}
}

func TestLookupsLimit(t *testing.T) {
	lookup := func(before int64) error {
		f := New([]v1.Layer{archive(t, tar.Header{Name: "a", Typeflag: tar.TypeReg})})
		f.spent.lookups = before
		_, err := f.Lookup("/a") // on the way there and at the end
		return err
	}
	limitstest.Check(t, limits.Lookups, lookup(limits.Lookups.Max()-2), lookup(limits.Lookups.Max()-1))
}

// What links cost grows with them, and not with their square: attacks had ten thousand
// links to directories, or one to a path of two thousand.
func TestCostOfLinks(t *testing.T) {
	many := []tar.Header{{Name: "d/", Typeflag: tar.TypeDir}}
	for i := range 10_000 {
		many = append(many, tar.Header{Name: fmt.Sprint("l", i), Linkname: "d", Typeflag: tar.TypeSymlink})
	}
	deep := strings.Repeat("d/", 2000)
	for name, layers := range map[string][]v1.Layer{
		"many":      {archive(t, many...)},
		"many, low": {archive(t, many...), archive(t, tar.Header{Name: "l1/x", Typeflag: tar.TypeReg})},
		"deep":      {archive(t, tar.Header{Name: deep + "f", Typeflag: tar.TypeReg}, tar.Header{Name: "l", Linkname: deep, Typeflag: tar.TypeSymlink})},
	} {
		f, err := Read(layers, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for at := "/" + strings.TrimSuffix(deep, "/"); name == "deep" && at != "/"; at = path.Dir(at) { // as whoever asks for the rights of each does
			if _, err := f.Lookup(at); err != nil {
				t.Fatal(err)
			}
		}
		if most := int64(200_000); f.spent.lookups > most {
			t.Errorf("%s: %d look-ups, more than %d", name, f.spent.lookups, most)
		}
	}
}

// Links that all stand for the same directory, with something written through each,
// cost the square: the limit of look-ups ends it.
func TestCostOfAliases(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine does all look-ups that there may be, which the race detector has nothing to see in: make test does them")
	}
	var low, high []tar.Header
	for i := range 10_000 {
		low = append(low, tar.Header{Name: fmt.Sprint("l", i), Linkname: "/", Typeflag: tar.TypeSymlink})
		high = append(high, tar.Header{Name: fmt.Sprintf("l%d/x%d", i, i), Linkname: "y", Typeflag: tar.TypeSymlink})
	}
	limitstest.Check(t, limits.Lookups, nil, readAll(archive(t, low...), archive(t, high...)))
}

func TestImageLayersLimit(t *testing.T) {
	most := int(limits.ImageLayers.Max())
	empty := archive(t)
	lookup := func(n int) error {
		_, err := New(slices.Repeat([]v1.Layer{empty}, n)).Lookup("/x")
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	limitstest.Check(t, limits.ImageLayers, lookup(most), lookup(most+1))
	limitstest.Check(t, limits.ImageLayers, readAll(slices.Repeat([]v1.Layer{empty}, most)...), readAll(slices.Repeat([]v1.Layer{empty}, most+1)...))
}
