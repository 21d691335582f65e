package apk

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
	"github.com/ko-health/kohealth/layers/cache"
)

// refused installs and expects an error, nothing that was refused in the cache and no
// temporary files.
func refused(t *testing.T, req Request, want string) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	c := newClient(t)
	i, err := c.Install(t.Context(), req)
	if err == nil {
		t.Fatalf("installed %v", i.paths())
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
	// With an honest server the same cache works.
	honest := req
	honest.Repositories = []string{serve(t, apktest.New(goodKey(), all()...))}
	honest.Packages, honest.Base = []string{"curl"}, merged(t)
	if got := string(install(t, c, honest).find(t, "/usr/bin/curl").Content); got != "content of usr/bin/curl" {
		t.Errorf("the cache gives %q", got)
	}
	checkCache(t, c.Cache)
}

// checkCache checks that every package and index in a cache is a good one.
func checkCache(t *testing.T, dir cache.Dir) {
	t.Helper()
	good := map[string]bool{}
	for _, p := range all() {
		good[string(p.Bytes())] = true
	}
	names, err := filepath.Glob(filepath.Join(string(dir), "apk", "packages", "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no packages in the cache: %v", err)
	}
	for _, name := range names {
		data, ok := cache.Dir(filepath.Dir(name)).Get(filepath.Base(name))
		if !ok || !good[string(data)] {
			t.Errorf("in the cache: %s", name)
		}
	}
	indexes, _ := filepath.Glob(filepath.Join(string(dir), "apk", "indexes", "*"))
	for _, name := range indexes {
		data, ok := cache.Dir(filepath.Dir(name)).Get(filepath.Base(name))
		k, err := parseKey(goodKey().PEM())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifyIndex(data, []*publicKey{k}); !ok || err != nil {
			t.Errorf("in the cache: an index that is not signed: %v", err)
		}
	}
}

func TestRefusesIndex(t *testing.T) {
	index := apktest.Index(all()...)
	evil := apktest.Index(pkg("curl", "9-r0", apktest.File("usr/bin/curl", 0o755)).Build(nil))
	arm := curl()
	arm.Arch = "aarch64"
	for name, tt := range map[string]struct {
		index []byte
		want  string
	}{
		"other key":              {otherKey().Sign(index), "no trusted key has signed it"},
		"no signature":           {index, "it has no RSA signature"},
		"signature of another":   {slices.Concat(goodKey().Signature(evil, false), index), "no trusted key has signed it"},
		"tampered":               {flip(goodKey().Sign(index), -20), "no trusted key has signed it"},
		"more behind":            {append(goodKey().Sign(index), 0), "no trusted key has signed it"},
		"another index behind":   {slices.Concat(goodKey().Sign(index), evil), "no trusted key has signed it"},
		"another index before":   {slices.Concat(evil, goodKey().Sign(index)), "it has no RSA signature"},
		"another architecture's": {goodKey().Sign(apktest.Index(arm.Build(nil))), `is for "aarch64", not for "x86_64"`},
		"empty":                  {nil, "EOF"},
		"not gzip":               {[]byte("<html>log in first</html>"), "invalid header"},
		"truncated":              {goodKey().Sign(index)[:300], ""},
		"bomb before":            {slices.Concat(bomb(int(limits.Control.Max())+1), index), "the limit for"},
		"two of it":              {goodKey().Sign(slices.Concat(open(t, index), index)), `unexpected file "APKINDEX"`},
		"no APKINDEX":            {goodKey().Sign(apktest.TarGz(nil, nil, true)), "it holds no APKINDEX"},
		"one letter":             {goodKey().Sign(apktest.IndexOf("P\n")), "want a letter, a colon and a value"},
		"no name":                {goodKey().Sign(apktest.IndexOf("V:1\n\n")), "it lacks name or version"},
	} {
		t.Run(name, func(t *testing.T) {
			repo := apktest.New(goodKey(), all()...)
			repo["x86_64/"+indexName] = tt.index
			refused(t, request(t, serve(t, repo), "curl"), tt.want)
		})
	}
}

// open returns an index whose archive is not closed.
func open(t *testing.T, _ []byte) []byte {
	t.Helper()
	return apktest.TarGz([]tar.Header{apktest.File("APKINDEX", 0o644)}, nil, false)
}

func flip(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[(at+len(data))%len(data)] ^= 1
	return data
}

// bomb returns a gzip member that unpacks to more than size bytes.
func bomb(size int) []byte {
	return apktest.TarGz([]tar.Header{apktest.File("usr/bin/curl", 0o755)}, map[string][]byte{"usr/bin/curl": make([]byte, size)}, true)
}

// What stands in the part with the signatures is never taken for an index, though gzip and
// tar would read on.
func TestIgnoresIndexBeforeSignedPart(t *testing.T) {
	index := apktest.Index(all()...)
	evil := apktest.IndexOf(strings.ReplaceAll(pkg("curl", "9-r0").Build(nil).Entry(), "D:", "X:"))
	signature := goodKey().Signature(index, false)
	var forged bytes.Buffer // signature and forged index in one member
	for _, part := range [][]byte{signature, evil} {
		_, unpacked, _, err := cutMember(part)
		if err != nil {
			t.Fatal(err)
		}
		forged.Write(unpacked)
	}
	repo := apktest.New(goodKey(), all()...)
	repo["x86_64/"+indexName] = slices.Concat(gz(t, forged.Bytes()), index)
	i := install(t, newClient(t), request(t, serve(t, repo), "curl"))
	if !slices.Contains(i.names(), "curl=8.21.0-r2") {
		t.Errorf("packages %v", i.names())
	}
}

// An index that is signed well, but of another repository, leads nowhere.
func TestRefusesReplayedIndex(t *testing.T) {
	theirs := curl()
	theirs.Contents["usr/bin/curl"] = []byte("of another repository")
	theirs.Depends = nil
	repo := apktest.New(goodKey(), theirs.Build(nil))
	repo["x86_64/"+indexName] = goodKey().Sign(apktest.Index(all()...))
	refused(t, request(t, serve(t, repo), "curl"), "package")
}

func TestRefusesPinnedKey(t *testing.T) {
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"another key": {otherKey().PEM(), "its fingerprint is " + otherKey().Fingerprint() + ", not " + goodKey().Fingerprint()},
		"no key":      {[]byte("<html>"), "it is not PEM"},
		"long":        {make([]byte, int(limits.Key.Max())+1), "the server sends more than it should: more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			repo := apktest.New(otherKey(), all()...)
			repo[otherKey().Name] = tt.file
			refused(t, request(t, serve(t, repo), "curl"), tt.want)
		})
	}
}

func TestRefusesPackage(t *testing.T) {
	good := curl().Build(nil)
	evil := curl()
	evil.Contents = map[string][]byte{"usr/bin/curl": []byte("#!/bin/evil")}
	other := evil.Build(nil)
	for name, tt := range map[string]struct {
		file apktest.Package
		want string
	}{
		"another one":           {good.With(other.Bytes()), "package \"curl=8.21.0-r2\""},
		"another one's files":   {good.WithData(other), "package \"curl=8.21.0-r2\""},
		"flip in control part":  {good.With(flip(good.Bytes(), 40)), "control part"},
		"flip in files":         {good.With(flip(good.Bytes(), -30)), "its files are not those that its control part has the digest of"},
		"truncated":             {good.With(good.Bytes()[:len(good.Bytes())-1]), "the index says"},
		"longer":                {good.With(append(slices.Clone(good.Bytes()), 0)), "the server sends more than it should"},
		"empty":                 {good.With(nil), "it has 0 bytes"},
		"signed by another key": {good.With(slices.Concat(otherKey().Signature(other.Bytes(), false), other.Bytes())), "the server sends more than it should"},
	} {
		t.Run(name, func(t *testing.T) {
			repo := apktest.New(goodKey(), tt.file, all()[1], all()[2])
			// The index is that of the good package.
			repo["x86_64/"+indexName] = goodKey().Sign(apktest.Index(good, all()[1], all()[2]))
			refused(t, request(t, serve(t, repo), "curl"), tt.want)
		})
	}
}

// Every bit of a package counts.
func TestRefusesEveryFlippedBit(t *testing.T) {
	good := curl().Build(nil)
	p := entryOf(t, good)
	if _, err := verifyPackage(good.Bytes(), p); err != nil {
		t.Fatal(err)
	}
	for i := range good.Bytes() {
		for bit := range 8 {
			data := slices.Clone(good.Bytes())
			data[i] ^= 1 << bit
			if _, err := verifyPackage(data, p); err == nil {
				t.Errorf("bit %d of byte %d does not count", bit, i)
			}
		}
	}
	k, err := parseKey(goodKey().PEM())
	if err != nil {
		t.Fatal(err)
	}
	index := goodKey().Sign(apktest.Index(good))
	signed, err := verifyIndex(index, []*publicKey{k})
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		data := slices.Clone(index)
		data[rand.IntN(len(data))] ^= 1 << rand.IntN(8)
		if got, err := verifyIndex(data, []*publicKey{k}); err == nil && !bytes.Equal(got, signed) {
			t.Error("an index with a flipped bit in its signed part is taken")
		}
	}
}

func entryOf(t testing.TB, built apktest.Package) *Package {
	t.Helper()
	packages, err := parseDatabase(built.Entry())
	if err != nil {
		t.Fatal(err)
	}
	return packages[0]
}

// What a package of the index holds may still be refused: its signer is trusted with its
// own paths, not with the image's.
func TestRefusesContent(t *testing.T) {
	fifo := tar.Header{Name: "dev/p", Typeflag: tar.TypeFifo}
	null := tar.Header{Name: "dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}
	hard := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}
	}
	file := apktest.File
	for name, tt := range map[string]struct {
		files []tar.Header
		want  string
	}{
		"absolute":                       {[]tar.Header{file("/etc/cron", 0o644)}, "the path is not relative"},
		"up":                             {[]tar.Header{file("../etc/cron", 0o644)}, `".." cannot be part of a path`},
		"up in between":                  {[]tar.Header{file("usr/../../etc/cron", 0o644)}, `".." cannot be part of a path`},
		"whiteout":                       {[]tar.Header{file("etc/.wh.passwd", 0o644)}, `".wh.passwd" cannot be part of a path`},
		"opaque directory":               {[]tar.Header{file("etc/.wh..wh..opq", 0o644)}, "cannot be part of a path"},
		"below a whiteout":               {[]tar.Header{file("etc/.wh.d/x", 0o644)}, `".wh.d" cannot be part of a path`},
		"control part":                   {[]tar.Header{file(".PKGINFO", 0o644)}, "the name is reserved"},
		"line break":                     {[]tar.Header{file("a\nP:evil", 0o644)}, "control characters"},
		"device":                         {[]tar.Header{null}, "it is neither directory nor file nor link"},
		"fifo":                           {[]tar.Header{fifo}, "it is neither directory nor file nor link"},
		"twice":                          {[]tar.Header{file("a", 0o644), file("a", 0o644)}, "duplicate path"},
		"twice, written otherwise":       {[]tar.Header{file("a", 0o644), file("./b/../a", 0o644)}, "cannot be part of a path"},
		"twice, with a dot":              {[]tar.Header{file("a", 0o644), file("./a", 0o644)}, "duplicate path"},
		"file below a file":              {[]tar.Header{file("a", 0o644), file("a/b", 0o644)}, `"/a" is not a directory`},
		"file below its own link":        {[]tar.Header{apktest.Link("x", "etc"), file("x/passwd", 0o644)}, `"/x" is not a directory`},
		"file becomes a directory":       {[]tar.Header{file("a", 0o644), apktest.Dir("a", 0o755)}, "duplicate path"},
		"link that climbs out":           {[]tar.Header{apktest.Link("usr/x", "../../etc/shadow")}, "is outside of the tree"},
		"link that climbs out on a way":  {[]tar.Header{apktest.Link("x", "usr/../../etc")}, "is outside of the tree"},
		"absolute link that climbs out":  {[]tar.Header{apktest.Link("x", "/../etc")}, "is outside of the tree"},
		"empty link":                     {[]tar.Header{{Name: "x", Typeflag: tar.TypeSymlink}}, "is no path"},
		"hard link to the base's file":   {[]tar.Header{hard("x", "etc/passwd")}, "is not a file of the package"},
		"hard link to a later file":      {[]tar.Header{hard("x", "y"), file("y", 0o644)}, "is not a file of the package"},
		"hard link to a link":            {[]tar.Header{apktest.Link("y", "etc/shadow"), hard("x", "y")}, "is not a file of the package"},
		"hard link to a directory":       {[]tar.Header{apktest.Dir("y", 0o755), hard("x", "y")}, "is not a file of the package"},
		"hard link out of the tree":      {[]tar.Header{hard("x", "../etc/passwd")}, "cannot be part of a path"},
		"hard link through a link":       {[]tar.Header{apktest.Link("d", "etc"), hard("x", "d/passwd")}, "is not a file of the package"},
		"the base's program":             {[]tar.Header{file("usr/bin/own", 0o755)}, "the base image has a file of its own there"},
		"the base's program by its link": {[]tar.Header{file("bin/own", 0o755)}, "the base image has a file of its own there"},
		"directory over a file":          {[]tar.Header{apktest.Dir("usr/bin/own", 0o755)}, `"/usr/bin/own" is not a directory`},
		"file over a directory":          {[]tar.Header{file("usr", 0o755)}, "the base image has a file of its own there"},
		"probe":                          {[]tar.Header{file("usr/bin/healthcheck", 0o755)}, "it would take the place of /usr/bin/healthcheck"},
		"probe by a link":                {[]tar.Header{file("bin/healthcheck", 0o755)}, "it would take the place of /usr/bin/healthcheck"},
		"probe's arguments":              {[]tar.Header{file("etc/healthcheck", 0o755)}, "it would take the place of /etc/healthcheck"},
		"app":                            {[]tar.Header{file("ko-app/app", 0o755)}, "it would take the place of /ko-app"},
		"app's directory":                {[]tar.Header{file("ko-app", 0o755)}, "it would take the place of /ko-app"},
		"directory of the app":           {[]tar.Header{apktest.Dir("ko-app", 0o700)}, "it would take the place of /ko-app"},
		"directory for the probe":        {[]tar.Header{apktest.Dir("usr/bin/healthcheck", 0o700)}, "it would take the place of /usr/bin/healthcheck"},
		"below the probe":                {[]tar.Header{file("usr/bin/healthcheck/x", 0o755)}, "it would take the place of /usr/bin/healthcheck"},
		"kodata":                         {[]tar.Header{file("var/run", 0o755)}, "it would take the place of /var/run/ko"},
		"owner":                          {[]tar.Header{{Name: "x", Typeflag: tar.TypeReg, Uid: -1}}, "owner -1:0 does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pkg("p", "1-r0", tt.files...)
			req := request(t, serve(t, apktest.New(goodKey(), p.Build(nil))), "p")
			req.Base = merged(t, layers.File{Path: "/usr/bin/own", Mode: 0o755})
			refused(t, req, tt.want)
		})
	}
}

// A base that lists its packages lets nothing be overwritten at all.
func TestRefusesOverwriting(t *testing.T) {
	for _, tt := range []struct {
		files []tar.Header
		want  string
	}{
		{[]tar.Header{apktest.File("etc/passwd", 0o644)}, "the base image has a file of its own there"},
		{[]tar.Header{apktest.Link("lib", "opt/lib")}, "the base image has a file of its own there"},
		{[]tar.Header{apktest.Link("etc", "tmp")}, "the base image has a file of its own there"},
		{[]tar.Header{apktest.File("usr/lib/apk/db/installed", 0o644)}, "the base image has a file of its own there"},
		{[]tar.Header{apktest.File("lib/apk/db/installed", 0o644)}, "the base image has a file of its own there"},
		{[]tar.Header{apktest.Link("var/run", "/tmp")}, "it would take the place of /var/run/ko"},
	} {
		t.Run(tt.files[0].Name, func(t *testing.T) {
			req := request(t, serve(t, apktest.New(goodKey(), pkg("p", "1-r0", tt.files...).Build(nil))), "p")
			req.Base = wolfi(t)
			refused(t, req, tt.want)
		})
	}
}

// A link of one package does not lead the files of another one over the base's.
func TestRefusesTraversalThroughOtherPackage(t *testing.T) {
	link := pkg("a-link", "1-r0", apktest.Link("opt/x", "/etc"))
	file := pkg("file", "1-r0", apktest.File("opt/x/passwd", 0o644))
	file.Depends = []string{"a-link"}
	req := request(t, serve(t, apktest.New(goodKey(), link.Build(nil), file.Build(nil))), "file")
	req.Base = wolfi(t)
	refused(t, req, "the base image has a file of its own there")
}

// What is reserved is so where links of the base lead to, too.
func TestReservedThroughLink(t *testing.T) {
	p := pkg("p", "1-r0", apktest.Dir("run/ko", 0o700))
	req := request(t, serve(t, apktest.New(goodKey(), p.Build(nil))), "p")
	req.Base = merged(t, layers.File{Path: "/var", Mode: fs.ModeDir | 0o755}, layers.File{Path: "/run", Mode: fs.ModeDir | 0o755},
		layers.File{Path: "/var/run", Mode: fs.ModeSymlink | 0o777, Linkname: "../run"})
	refused(t, req, "it would take the place of /var/run/ko")
}

// Signatures are many for the price of one: the index is hashed once for all.
func TestManySignatures(t *testing.T) {
	var first bytes.Buffer
	tw := tar.NewWriter(&first)
	for i := range 4000 {
		if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprint(".SIGN.RSA256.", i), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	k, err := parseKey(goodKey().PEM())
	if err != nil {
		t.Fatal(err)
	}
	index := slices.Concat(gz(t, first.Bytes()), make([]byte, limits.Index.Max()/2))
	if _, err := verifyIndex(index, []*publicKey{k}); err == nil || !strings.Contains(err.Error(), "no trusted key has signed it") {
		t.Errorf("error %v", err)
	}
}

// A second package with the same file needs leave.
func TestPackagesWithTheSameFile(t *testing.T) {
	one, two := pkg("one", "1-r0", apktest.File("usr/bin/x", 0o755)), pkg("two", "1-r0", apktest.File("usr/bin/x", 0o755))
	req := func(two apktest.Package) Request {
		return request(t, serve(t, apktest.New(goodKey(), one.Build(nil), two.Build(nil))), "one", "two")
	}
	install(t, newClient(t), req(two)) // both bring the same
	two.Contents["usr/bin/x"] = []byte("two's")
	refused(t, req(two), `package "one=1-r0" has it, too`)
	two.Replaces = []string{"one"}
	if got := string(install(t, newClient(t), req(two)).find(t, "/usr/bin/x").Content); got != "two's" {
		t.Errorf("/usr/bin/x is %q, want that of the package that replaces the other", got)
	}
}

// Directories of the base keep owner and mode.
func TestKeepsDirectoriesOfBase(t *testing.T) {
	p := pkg("p", "1-r0", apktest.Dir("etc", 0o777), apktest.Dir("tmp", 0o755), apktest.Dir("usr/bin", 0o777), apktest.File("usr/bin/p", 0o755))
	req := request(t, serve(t, apktest.New(goodKey(), p.Build(nil))), "p")
	req.Base = merged(t, layers.File{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777})
	for _, f := range install(t, newClient(t), req).Files {
		if slices.Contains([]string{"/etc", "/tmp", "/usr/bin"}, f.Path) {
			t.Errorf("%s becomes %v", f.Path, f.Mode)
		}
	}
}

func TestRefusesBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks half a gigabyte in one goroutine, which the race detector has nothing to see in: make test does")
	}
	data := gzipped(t, limits.Files.Max()+1024)
	p := pkg("p", "1-r0").Build(data)
	refused(t, request(t, serve(t, apktest.New(goodKey(), p)), "p"), "the limit for")

	control := curl()
	control.ControlInfo = strings.Repeat("#", int(limits.Control.Max()))
	refused(t, request(t, serve(t, apktest.New(goodKey(), control.Build(nil), all()[1], all()[2])), "curl"), "the limit for")

	big := curl().Build(nil)
	index := goodKey().Sign(apktest.IndexOf(strings.Replace(big.Entry(), "S:", "S:9", 1) + libcurl().Build(nil).Entry() + certificates().Build(nil).Entry()))
	repo := apktest.New(goodKey(), all()...)
	repo["x86_64/"+indexName] = index
	refused(t, request(t, serve(t, repo), "curl"), "the index says")
	repo["x86_64/"+indexName] = goodKey().Sign(apktest.IndexOf(strings.Replace(big.Entry(), "S:", "S:999999999", 1) + libcurl().Build(nil).Entry() + certificates().Build(nil).Entry()))
	refused(t, request(t, serve(t, repo), "curl"), "more than 256 MiB, the limit for all packages")

	// Together.
	text := ""
	for _, p := range all() {
		text += regexp.MustCompile("S:[0-9]+").ReplaceAllString(p.Entry(), "S:100000000")
	}
	repo["x86_64/"+indexName] = goodKey().Sign(apktest.IndexOf(text))
	refused(t, request(t, serve(t, repo), "curl"), "more than 256 MiB, the limit for all packages")
	half := gzipped(t, limits.Files.Max()*6/10)
	one, two := pkg("one", "1-r0").Build(half), pkg("two", "1-r0").Build(half)
	req := request(t, serve(t, apktest.New(goodKey(), one, two)), "one", "two")
	refused(t, req, "the limit for")
}

func TestRefusesServers(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	broken := func(w http.ResponseWriter, f func(body []byte)) {
		index := repo["x86_64/"+indexName]
		w.Header().Set("Content-Length", fmt.Sprint(len(index)))
		f(index)
	}
	for name, tt := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"stalls at once": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the server has stopped sending"},
		"stalls in between": {func(w http.ResponseWriter, r *http.Request) {
			broken(w, func(body []byte) {
				w.Write(body[:100])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
		}, "the server has stopped sending"},
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			broken(w, func(body []byte) {
				for i := range body {
					w.Write(body[i : i+1])
					w.(http.Flusher).Flush()
					select {
					case <-r.Context().Done():
						return
					case <-time.After(20 * time.Millisecond):
					}
				}
			})
		}, "the server has stopped sending, or sends too slowly"},
		"says more than it sends": {func(w http.ResponseWriter, r *http.Request) {
			broken(w, func(body []byte) { w.Write(body[:100]) })
		}, "unexpected EOF"},
		"says less than it sends": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write(repo["x86_64/"+indexName][:100])
		}, ""},
		"says that it sends too much": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(limits.Index.Max()+1))
		}, "the server sends more than it should: more than 67108864 bytes"},
		"sends without end": {func(w http.ResponseWriter, r *http.Request) {
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "the server sends more than it should: more than 67108864 bytes"},
		"redirects in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, "the server redirects more than 10 times"},
		"says that nothing changed": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) }, "the server answers 304"},
		"is broken":                 {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, "the server answers 500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			if strings.HasPrefix(name, "stalls") || name == "drips" {
				c.patience.stall = 100 * time.Millisecond
			}
			_, err := c.Install(t.Context(), request(t, serve(t, tt.serve), "curl"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if names, _ := filepath.Glob(filepath.Join(string(c.Cache), "*", "*")); len(names) > 0 {
				t.Errorf("in the cache: %v", names)
			}
		})
	}
}

// gz compresses.
func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	return gzipOf(t, bytes.NewReader(data))
}

// gzipped returns a gzip member of a tar whose one file has many zero bytes.
func gzipped(t testing.TB, size int64) []byte {
	t.Helper()
	r, w := io.Pipe()
	go func() {
		tw := tar.NewWriter(w)
		err := tw.WriteHeader(&tar.Header{Name: "bomb", Typeflag: tar.TypeReg, Mode: 0o644, Size: size})
		if err == nil {
			_, err = io.CopyN(tw, zeros{}, size)
		}
		w.CloseWithError(errors.Join(err, tw.Close()))
	}()
	return gzipOf(t, r)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestDatabaseObeysRules brings packages, and takes bases, that would have the database of
// installed packages lie over something else, or something else over it.
func TestDatabaseObeysRules(t *testing.T) {
	db := apktest.Dir("usr/lib/apk/db", 0o755)
	toApp := layers.File{Path: "/usr/lib/apk/db", Mode: fs.ModeSymlink | 0o777, Linkname: "/ko-app"}
	for name, tt := range map[string]struct {
		p    apktest.Package
		base *rootfs.FS
		want string // of the error; "" if the database is where it belongs
	}{
		"a link of the package":        {pkg("p", "1-r0", apktest.Link("usr/lib/apk/db", "/ko-app")), merged(t), ""},
		"one further up":               {pkg("p", "1-r0", apktest.Link("usr/lib/apk", "/ko-app")), merged(t), ""},
		"one over a database":          {pkg("p", "1-r0", apktest.Link("usr/lib/apk/db", "/ko-app")), wolfi(t), "the base image has a file of its own there"},
		"one to the probe":             {pkg("p", "1-r0", apktest.Link("usr/lib/apk/db/installed", "/usr/bin/healthcheck")), merged(t), ""},
		"a file below it":              {pkg("p", "1-r0", db, apktest.File("usr/lib/apk/db/installed/x", 0o644)), merged(t), "it would take the place of /usr/lib/apk/db/installed"},
		"a directory in its place":     {pkg("p", "1-r0", db, apktest.Dir("usr/lib/apk/db/installed", 0o755)), merged(t), "it would take the place of /usr/lib/apk/db/installed"},
		"a database of its own":        {pkg("p", "1-r0", db, apktest.File("usr/lib/apk/db/installed", 0o644)), merged(t), "it would take the place of /usr/lib/apk/db/installed"},
		"one by another name":          {pkg("p", "1-r0", apktest.File("lib/apk/db/installed", 0o644)), merged(t), "it would take the place of /usr/lib/apk/db/installed"},
		"a file in a database's place": {pkg("p", "1-r0", apktest.File("usr/lib/apk/db", 0o644)), merged(t), "it would take the place of /usr/lib/apk/db/installed"},
		"a link of the base":           {pkg("p", "1-r0", apktest.File("usr/bin/p", 0o755)), merged(t, dirs("/usr/lib/apk")[0], toApp), `lead to "/ko-app/installed": it would take the place of /ko-app`},
		"one that leads to a database": {pkg("p", "1-r0", apktest.File("usr/bin/p", 0o755)), merged(t, dirs("/usr/lib/apk")[0], toApp, dirs("/ko-app")[0], layers.File{Path: "/ko-app/installed", Mode: 0o644, Content: []byte(installedDB)}), "it would take the place of /ko-app"},
		"nothing of the kind":          {pkg("p", "1-r0", db, apktest.File("usr/lib/apk/db/lock", 0o600)), merged(t), ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, serve(t, apktest.New(goodKey(), tt.p.Build(nil))), "p")
			req.Base = tt.base
			i, err := newClient(t).Install(t.Context(), req)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f := i.find(t, "/usr/lib/apk/db/installed"); !f.Mode.IsRegular() || !strings.Contains(string(f.Content), "P:p\n") {
				t.Errorf("the database is %v: %q", f.Mode, f.Content)
			}
			for _, f := range i.Files {
				if strings.HasPrefix(f.Path, "/ko-app") || strings.HasPrefix(f.Linkname, "/ko-app") {
					t.Errorf("%s -> %q is added", f.Path, f.Linkname)
				}
			}
		})
	}
}
