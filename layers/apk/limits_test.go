package apk

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/limits/limitstest"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

func TestIndexLimits(t *testing.T) {
	read := func(index []byte) error { return readIndex(index, "x86_64", func(*Package) {}) }
	records := func(n int64) error {
		return read(apktest.IndexOf(strings.Repeat("P:a\nV:1\nA:x86_64\n\n", int(n))))
	}
	limitstest.Check(t, limits.Records, records(limits.Records.Max()), records(limits.Records.Max()+1))

	line := func(n int64) error {
		return read(apktest.IndexOf("P:a\nV:1\nA:x86_64\nT:" + strings.Repeat("x", int(n)-2) + "\n"))
	}
	limitstest.Check(t, limits.Line, line(limits.Line.Max()), line(limits.Line.Max()+1))

	unpacked := func(n int64) error {
		r, w := io.Pipe()
		go func() {
			tw := tar.NewWriter(w)
			_ = tw.WriteHeader(&tar.Header{Name: "DESCRIPTION", Size: n - 2*512})
			_, _ = io.CopyN(tw, zeros{}, n-2*512)
			_ = tw.WriteHeader(&tar.Header{Name: "APKINDEX"})
			w.CloseWithError(tw.Flush())
		}()
		return read(gzipOf(t, r))
	}
	limitstest.Check(t, limits.IndexUnpacked, unpacked(limits.IndexUnpacked.Max()), unpacked(limits.IndexUnpacked.Max()+512))
}

func TestFileLimits(t *testing.T) {
	read := func(limit limits.Limit, n int64) error {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, n); err != nil {
			t.Fatal(err)
		}
		if limit == limits.Key {
			if _, err := readKey(name); err != nil && limits.IsExceeded(err) {
				return err
			}
			return nil
		}
		_, err := readFile(name, limit)
		return err
	}
	for _, limit := range []limits.Limit{limits.Key, limits.Index, limits.Downloads} {
		limitstest.Check(t, limit, read(limit, limit.Max()), read(limit, limit.Max()+1))
	}
	database := func(n int64) error {
		text := strings.Repeat("\n", int(n))
		_, err := readDatabase(base(t, layers.File{Path: newDatabase, Mode: 0o644, Content: []byte(text)}))
		return err
	}
	limitstest.Check(t, limits.Database, database(limits.Database.Max()), database(limits.Database.Max()+1))
}

func TestPackageLimits(t *testing.T) {
	member := func(n int64) error {
		_, _, _, err := cutMember(gzipOf(t, io.LimitReader(zeros{}, n)))
		return err
	}
	limitstest.Check(t, limits.Control, member(limits.Control.Max()), member(limits.Control.Max()+1))

	together := func(n int64) error {
		p := &Package{Name: "a", Version: "1", Checksum: make([]byte, sha1Size), Size: n / 2, from: &repository{dir: "d"}}
		q := *p
		q.Size = n - p.Size
		return checkAll([]*Package{p, &q})
	}
	limitstest.Check(t, limits.Downloads, together(limits.Downloads.Max()), together(limits.Downloads.Max()+1))

	files := apktest.TarGz([]tar.Header{apktest.Dir("a", 0o755), apktest.File("a/b", 0o644)}, map[string][]byte{"a/b": []byte("12345")}, true)
	read := func(less func(*room)) error {
		room := newRoom()
		less(room)
		_, err := readEntries(files, room)
		return err
	}
	limitstest.Check(t, limits.PackageEntries, read(func(r *room) { r.entries = 2 }), read(func(r *room) { r.entries = 1 }))
	limitstest.Check(t, limits.Files, read(func(r *room) { r.files = 5 }), read(func(r *room) { r.files = 4 }))
	if room := newRoom(); room.files != limits.Files.Max() || room.archives != limits.Files.Max() || room.entries != limits.PackageEntries.Max() {
		t.Errorf("there is room for %+v", room)
	}
}

func TestNameLimits(t *testing.T) {
	clean := func(parts int, last string) error {
		_, err := cleanPath(strings.Repeat("d/", parts-1) + last)
		return err
	}
	parts := int(limits.PathParts.Max())
	limitstest.Check(t, limits.PathParts, clean(parts, "f"), clean(parts+1, "f"))
	longest := int(limits.Path.Max()) - 1
	limitstest.Check(t, limits.Path, clean(1, strings.Repeat("f", longest)), clean(1, strings.Repeat("f", longest+1)))
	link := func(n int) error {
		_, err := newEntry(&tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("f", n)})
		return err
	}
	limitstest.Check(t, limits.Path, link(longest), link(longest+1))
	busybox := &entry{path: "/bin/busybox", mode: 0o755}
	busybox.file = busybox
	applets := func(n int64) error {
		list := &entry{path: appletLists + "b", mode: 0o644, content: []byte(strings.Repeat("/b ", int(n)))}
		list.file = list
		tr := &tree{fs: base(t).Clone(), added: map[string]addition{}, warn: t.Logf}
		_, err := tr.linkApplets(&Package{}, []*entry{busybox, list})
		return err
	}
	limitstest.Check(t, limits.PackageEntries, applets(limits.PackageEntries.Max()), applets(limits.PackageEntries.Max()+1))
}

// denseGraph returns packages of which each needs all that follow.
func denseGraph(t testing.TB, n int) []*Package {
	var lines []string
	for i := range n {
		var needs []string
		for j := i + 1; j < n; j++ {
			needs = append(needs, fmt.Sprint("p", j))
		}
		line := fmt.Sprintf("P:p%d V:1", i)
		if len(needs) > 0 {
			line += " D:" + strings.Join(needs, ",")
		}
		lines = append(lines, line)
	}
	return packages(t, lines...)
}

func TestResolvingLimit(t *testing.T) {
	wanted, err := parseConstraint("p0")
	if err != nil {
		t.Fatal(err)
	}
	_, at := (&Client{}).resolve(t.Context(), denseGraph(t, 5), nil, []constraint{wanted})
	impatient := &Client{patience: patience{resolve: time.Millisecond}}
	_, past := impatient.resolve(t.Context(), denseGraph(t, 20), nil, []constraint{wanted})
	limitstest.Check(t, limits.Resolving, at, past)
}

// A server that asks to be left alone is, but not for ever.
func TestRetryAfterLimit(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	ask := func(pause int64) (asked int64, err error) {
		var requests atomic.Int64
		c := newClient(t)
		_, err = c.Install(t.Context(), request(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 1 {
				w.Header().Set("Retry-After", fmt.Sprint(pause))
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			repo.ServeHTTP(w, r)
		})), "curl"))
		return requests.Load(), err
	}
	begin := time.Now()
	if _, err := ask(1); err != nil || time.Since(begin) < time.Second {
		t.Errorf("asked to wait a second: %v after %s", err, time.Since(begin))
	}
	asked, err := ask(int64(limits.RetryAfter.Duration().Seconds()) + 1)
	limitstest.Check(t, limits.RetryAfter, nil, err)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// What was damaged on the way is downloaded once more; what the server has is not.
func TestRetriesDamage(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	for _, damaged := range []string{"x86_64/" + indexName, "x86_64/" + curl().Build(nil).Filename()} {
		for _, times := range []int64{1, 2} {
			var requests atomic.Int64
			c := newClient(t)
			_, err := c.Install(t.Context(), request(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body := repo[damaged]; r.URL.Path == "/"+damaged && requests.Add(1) <= times {
					body = bytes.Clone(body)
					body[len(body)-1-int(requests.Load())] ^= 1 // of what is signed: a signature's header may be damaged
					_, _ = w.Write(body)
					return
				}
				repo.ServeHTTP(w, r)
			})), "curl"))
			if (err == nil) != (times == 1) || requests.Load() != 2 {
				t.Errorf("%s, damaged %d times: %v after %d requests", damaged, times, err, requests.Load())
			}
		}
	}
}

func TestPatience(t *testing.T) {
	if f := (&Client{}).fetcher(); f.stall != limits.Stall.Duration() {
		t.Errorf("a server may stall for %s", f.stall)
	}
}
