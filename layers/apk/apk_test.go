package apk

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
	"github.com/ko-health/kohealth/layers/cache"
)

// Keys take long to make, so that tests share them.
var (
	goodKey  = sync.OnceValue(func() apktest.Key { return apktest.NewKey("wolfi-signing.rsa.pub") })
	otherKey = sync.OnceValue(func() apktest.Key { return apktest.NewKey("wolfi-signing.rsa.pub") })
)

func pkg(name, version string, files ...tar.Header) apktest.Package {
	contents := map[string][]byte{}
	for _, h := range files {
		contents[h.Name] = []byte("content of " + h.Name)
	}
	return apktest.Package{Name: name, Version: version, Files: files, Contents: contents}
}

func curl() apktest.Package {
	p := pkg("curl", "8.21.0-r2", apktest.Dir("usr/bin", 0o755), apktest.File("usr/bin/curl", 0o755))
	p.Depends = []string{"so:libcurl.so.4", "ca-certificates-bundle"}
	return p
}

func libcurl() apktest.Package {
	p := pkg("libcurl", "8.21.0-r2", apktest.Dir("lib", 0o755), apktest.File("lib/libcurl.so.4", 0o755))
	p.Provides = []string{"so:libcurl.so.4=4.8.0"}
	p.Origin = "curl"
	return p
}

func certificates() apktest.Package {
	return pkg("ca-certificates-bundle", "20260413-r1", apktest.File("etc/ssl/certs/ca-certificates.crt", 0o644))
}

// all are the packages that most tests serve, built.
func all() []apktest.Package {
	var built []apktest.Package
	for _, p := range []apktest.Package{curl(), libcurl(), certificates()} {
		built = append(built, p.Build(nil))
	}
	return built
}

func base(t testing.TB, files ...layers.File) *rootfs.FS {
	t.Helper()
	l, err := layers.Layer(files, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	fsys, err := rootfs.Read([]v1.Layer{l}, "")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// merged is a base with a merged /usr, as Wolfi's.
func merged(t testing.TB, more ...layers.File) *rootfs.FS {
	files := []layers.File{
		{Path: "/etc", Mode: fs.ModeDir | 0o755},
		{Path: "/etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0::/:/bin/sh\n")},
		{Path: "/usr", Mode: fs.ModeDir | 0o755},
		{Path: "/usr/bin", Mode: fs.ModeDir | 0o755},
		{Path: "/usr/lib", Mode: fs.ModeDir | 0o755},
		{Path: "/lib", Mode: fs.ModeSymlink | 0o777, Linkname: "usr/lib"},
		{Path: "/bin", Mode: fs.ModeSymlink | 0o777, Linkname: "usr/bin"},
	}
	return base(t, append(files, more...)...)
}

// another is a base unlike others.
func another(t testing.TB, name string) *rootfs.FS {
	return merged(t, layers.File{Path: "/etc/" + name, Mode: 0o644})
}

const installedDB = "C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=\nP:ca-certificates-bundle\nV:20260101-r0\nA:x86_64\nL:MPL-2.0\nF:etc/ssl/certs\nR:ca-certificates.crt\n\n" +
	"P:wolfi-baselayout\nV:20230201-r29\nA:x86_64\np:merged-bin merged-lib\n\n"

// wolfi is a base with a database of installed packages.
func wolfi(t testing.TB, more ...layers.File) *rootfs.FS {
	return merged(t, append(more, dirs("/usr/lib/apk", "/usr/lib/apk/db")[0], dirs("/usr/lib/apk", "/usr/lib/apk/db")[1],
		layers.File{Path: "/usr/lib/apk/db/installed", Mode: 0o644, Content: []byte(installedDB)})...)
}

func dirs(names ...string) (files []layers.File) {
	for _, name := range names {
		files = append(files, layers.File{Path: name, Mode: fs.ModeDir | 0o755})
	}
	return files
}

// serve serves a repository until the test ends.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// newClient returns a client that trusts goodKey as it would Wolfi's, and hurries.
func newClient(t testing.TB) *Client {
	return &Client{
		Cache:    cache.Dir(t.TempDir()),
		Pinned:   PinnedKey{goodKey().Name, goodKey().Fingerprint()},
		patience: patience{backoff: time.Millisecond, stall: 10 * time.Second},
	}
}

func request(t testing.TB, location string, packages ...string) Request {
	return Request{
		Packages: packages, Repositories: []string{location}, Arch: "x86_64", Base: merged(t),
		Reserved: []string{"/usr/bin/healthcheck", "/etc/healthcheck", "/ko-app", "/var/run/ko"},
	}
}

func install(t testing.TB, c *Client, req Request) *Installation {
	t.Helper()
	i, err := c.Install(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *Installation) names() (names []string) {
	for _, p := range i.Packages {
		names = append(names, p.String())
	}
	return names
}

// find returns a file of an installation.
func (i *Installation) find(t testing.TB, path string) layers.File {
	t.Helper()
	for _, f := range i.Files {
		if f.Path == path {
			return f
		}
	}
	t.Fatalf("no %s in %v", path, i.paths())
	return layers.File{}
}

func (i *Installation) paths() (paths []string) {
	for _, f := range i.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

func TestInstall(t *testing.T) {
	c := newClient(t)
	i := install(t, c, request(t, serve(t, apktest.New(goodKey(), all()...)), "curl"))
	if diff := cmp.Diff([]string{"ca-certificates-bundle=20260413-r1", "libcurl=8.21.0-r2", "curl=8.21.0-r2"}, i.names()); diff != "" {
		t.Errorf("packages, each after those that it needs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt",
		"/usr/bin/curl", "/usr/lib/apk", "/usr/lib/apk/db", "/usr/lib/apk/db/installed", "/usr/lib/libcurl.so.4",
	}, i.paths()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := string(i.find(t, "/usr/bin/curl").Content); got != "content of usr/bin/curl" {
		t.Errorf("curl is %q", got)
	}
}

// What is in the database of the base stays there, and is not installed again.
func TestInstallMergesDatabase(t *testing.T) {
	c := newClient(t)
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "curl")
	req.Base = wolfi(t)
	i := install(t, c, req)
	if diff := cmp.Diff([]string{"libcurl=8.21.0-r2", "curl=8.21.0-r2"}, i.names()); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	db := string(i.find(t, "/usr/lib/apk/db/installed").Content)
	rest, ok := strings.CutPrefix(db, installedDB)
	if !ok {
		t.Fatalf("the base's database does not begin the merged one:\n%s", db)
	}
	want := strings.TrimSuffix(libcurl().Build(nil).Entry(), "\n") + "F:lib\nR:libcurl.so.4\na:0:0:755\nZ:Q1IP8=\n\n"
	got, _, _ := strings.Cut(rest, "P:curl\n")
	if got, _, _ = strings.Cut(got, "Z:"); got != want[:strings.Index(want, "Z:")] {
		t.Errorf("record of libcurl:\n%s\nwant\n%s", got, want)
	}
	packages, err := parseDatabase(db)
	if err != nil || len(packages) != 4 {
		t.Errorf("%d packages in the merged database, %v; want 4", len(packages), err)
	}
}

func TestInstallIsDeterministic(t *testing.T) {
	url := serve(t, apktest.New(goodKey(), all()...))
	var digests []string
	for range 3 {
		i := install(t, newClient(t), request(t, url, "curl"))
		l, err := layers.Layer(i.Files, types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		d, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d.String())
	}
	if len(slices.Compact(slices.Clone(digests))) != 1 {
		t.Errorf("digests %q of the same packages", digests)
	}
}

// The links of busybox are those that its trigger would make, and none takes the place of
// something that there is.
func TestInstallBusybox(t *testing.T) {
	bb := apktest.Busybox([]byte("ELF"), "/usr/bin/sh", "usr/bin/ls", "/usr/sbin/arp", "/usr/bin/taken", "/usr/bin/healthcheck").Build(nil)
	req := request(t, serve(t, apktest.New(goodKey(), bb)), "busybox")
	req.Base = merged(t, layers.File{Path: "/usr/bin/taken", Mode: 0o755},
		layers.File{Path: "/usr/sbin", Mode: fs.ModeSymlink | 0o777, Linkname: "bin"})
	i := install(t, newClient(t), req)
	want := map[string]string{"/usr/bin/sh": "/usr/bin/busybox", "/usr/bin/ls": "/usr/bin/busybox", "/usr/bin/arp": "/usr/bin/busybox"}
	if diff := cmp.Diff(want, i.links()); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if len(i.Warnings) > 0 {
		t.Errorf("warnings %q: the trigger was replaced by the links", i.Warnings)
	}
	if !slices.Contains(i.paths(), "/var/lib/db/sbom/busybox-1.38.0-r1.spdx.json") {
		t.Error("the package's SBOM is not kept")
	}
}

// links returns what the symbolic links of an installation point to, by their paths.
func (i *Installation) links() map[string]string {
	links := map[string]string{}
	for _, f := range i.Files {
		if f.Mode&fs.ModeSymlink != 0 {
			links[f.Path] = f.Linkname
		}
	}
	return links
}

// Wolfi's busybox-static brings neither links nor a list of them.
func TestInstallBusyboxStatic(t *testing.T) {
	const static = "/usr/bin/busybox-static"
	table := apktest.BusyboxBinary("busybox", "healthcheck", "sh", "taken")
	for name, tt := range map[string]struct {
		binary []byte
		base   *rootfs.FS
		want   map[string]string
	}{
		"merged": {table, merged(t, layers.File{Path: "/usr/bin/taken", Mode: 0o755}),
			map[string]string{"/usr/bin/[": static, "/usr/bin/[[": static, "/usr/bin/busybox": static, "/usr/bin/sh": static}},
		"not merged": {apktest.BusyboxBinary("sh"), base(t, dirs("/bin", "/usr", "/usr/bin")...),
			map[string]string{"/usr/bin/[": static, "/usr/bin/[[": static, "/usr/bin/sh": static, "/bin/sh": "/usr/bin/sh"}},
		"with a shell": {apktest.BusyboxBinary("sh"), base(t, append(dirs("/bin"), layers.File{Path: "/bin/sh", Mode: 0o755})...),
			map[string]string{"/usr/bin/[": static, "/usr/bin/[[": static, "/usr/bin/sh": static}},
		"without a table": {[]byte("\x7fELF"), merged(t), map[string]string{"/usr/bin/sh": static}},
		"without a table, not merged": {[]byte("\x7fELF"), base(t),
			map[string]string{"/usr/bin/sh": static, "/bin/sh": "/usr/bin/sh"}},
		"table not sorted": {apktest.BusyboxBinary("sh", "ls"), merged(t), map[string]string{"/usr/bin/sh": static}},
		"script":           {[]byte("#!/bin/sh\n"), merged(t), map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, serve(t, apktest.New(goodKey(), apktest.BusyboxStatic(tt.binary).Build(nil))), "busybox-static")
			req.Base = tt.base
			if diff := cmp.Diff(tt.want, install(t, newClient(t), req).links()); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstallKeepsModesOwnersAndLinks(t *testing.T) {
	suid := apktest.File("usr/bin/suid", 0o4755)
	suid.Uid, suid.Gid = 7, 8
	p := pkg("p", "1-r0", apktest.Dir("opt/p", 0o2750), suid, apktest.Link("opt/p/rel", "../../usr/bin/suid"), apktest.Link("opt/p/abs", "/usr/bin/suid"),
		tar.Header{Name: "opt/p/hard", Typeflag: tar.TypeLink, Linkname: "usr/bin/suid"},
		tar.Header{Name: "zz", Typeflag: tar.TypeLink, Linkname: "usr/bin/suid"})
	i := install(t, newClient(t), request(t, serve(t, apktest.New(goodKey(), p.Build(nil))), "p"))
	content := []byte("content of usr/bin/suid")
	for _, want := range []layers.File{
		{Path: "/opt/p", Mode: fs.ModeDir | fs.ModeSetgid | 0o750},
		{Path: "/opt/p/rel", Mode: fs.ModeSymlink | 0o777, Linkname: "../../usr/bin/suid"},
		{Path: "/opt/p/abs", Mode: fs.ModeSymlink | 0o777, Linkname: "/usr/bin/suid"},
		{Path: "/opt/p/hard", Mode: fs.ModeSetuid | 0o755, UID: 7, GID: 8, Content: content}, // the first by path
		{Path: "/usr/bin/suid", Mode: fs.ModeSetuid | 0o755, UID: 7, GID: 8, Linkname: "/opt/p/hard"},
		{Path: "/zz", Mode: fs.ModeSetuid | 0o755, UID: 7, GID: 8, Linkname: "/opt/p/hard"},
	} {
		got := i.find(t, want.Path)
		if !bytes.Equal(got.Content, want.Content) {
			t.Errorf("%s holds %q", want.Path, got.Content)
		}
		got.Content, want.Content = nil, nil
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(layers.File{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Path, diff)
		}
	}
	if _, err := layers.Layer(i.Files, types.OCILayer); err != nil {
		t.Error(err)
	}
	db := string(i.find(t, "/usr/lib/apk/db/installed").Content)
	if n := strings.Count(db, "\na:7:8:4755\n"); n != 3 {
		t.Errorf("%d files of three have owner and mode in the database:\n%s", n, db)
	}
}

// On a base without a database the whole closure is there, and what is the base's own
// stays.
func TestInstallOnForeignBase(t *testing.T) {
	baselayout := pkg("wolfi-baselayout", "20230201-r29", apktest.Dir("etc", 0o755), apktest.File("etc/passwd", 0o644), apktest.File("etc/group", 0o644),
		apktest.Link("bin", "usr/bin"), apktest.Link("lib", "usr/lib"), apktest.Link("sbin", "usr/bin"), apktest.Link("var/run", "../run"))
	tool := pkg("tool", "1-r0", apktest.File("sbin/tool", 0o755))
	tool.Depends = []string{"wolfi-baselayout"}
	req := request(t, serve(t, apktest.New(goodKey(), baselayout.Build(nil), tool.Build(nil))), "tool")
	req.Base = merged(t, dirs("/sbin", "/var")...)
	i := install(t, newClient(t), req)
	if diff := cmp.Diff([]string{"wolfi-baselayout=20230201-r29", "tool=1-r0"}, i.names()); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/etc/group", "/sbin/tool", "/usr/lib/apk", "/usr/lib/apk/db", "/usr/lib/apk/db/installed"}, i.paths()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"wolfi-baselayout=20230201-r29: the link /var/run is left out: it would hide /var/run/ko",
		"wolfi-baselayout=20230201-r29: what the base image has stays: /etc/passwd",
	}, i.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if db := string(i.find(t, "/usr/lib/apk/db/installed").Content); strings.Contains(db, "R:passwd") || !strings.Contains(db, "R:group") {
		t.Errorf("the database does not tell what is in the image:\n%s", db)
	}
}

func TestInstallWarnsOfScripts(t *testing.T) {
	p := pkg("p", "1-r0", apktest.File("usr/bin/p", 0o755))
	p.Scripts = map[string]string{".post-install": "#!/bin/sh\ntouch /here\n", ".post-deinstall": "#!/bin/sh\n", ".melange.yaml": "package:\n"}
	bb := apktest.Busybox([]byte("ELF"), "/usr/bin/sh") // whose trigger the links replace
	bb.Scripts[".pre-install"] = "#!/bin/sh\n"
	i := install(t, newClient(t), request(t, serve(t, apktest.New(goodKey(), p.Build(nil), bb.Build(nil))), "p", "busybox"))
	if diff := cmp.Diff([]string{
		"busybox=1.38.0-r1: its scripts are not run: .pre-install",
		"p=1-r0: its scripts are not run: .post-install",
	}, i.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestInstallFromDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := apktest.New(goodKey(), all()...).Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{dir, "file://" + filepath.ToSlash(dir), "file://localhost" + filepath.ToSlash(dir)} {
		req := request(t, location, "curl")
		req.Offline = true // nothing is asked for
		if i := install(t, newClient(t), req); len(i.Packages) != 3 {
			t.Errorf("%s: packages %v", location, i.names())
		}
	}
}

func TestSeveralRepositoriesAndKeys(t *testing.T) {
	private := apktest.NewKey("private.rsa.pub")
	mine := pkg("mine", "1-r0", apktest.File("usr/bin/mine", 0o755))
	mine.Depends = []string{"libcurl>8.20"}
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "mine")
	req.Repositories = append(req.Repositories, serve(t, apktest.New(private, mine.Build(nil))))
	key := filepath.Join(t.TempDir(), "any-name.pub")
	if err := os.WriteFile(key, private.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t).Install(t.Context(), req); err == nil || !strings.Contains(err.Error(), `no trusted key has signed it; the signature is one of "private.rsa.pub"`) {
		t.Errorf("error %v without the key", err)
	}
	req.Keys = []string{key}
	if diff := cmp.Diff([]string{"libcurl=8.21.0-r2", "mine=1-r0"}, install(t, newClient(t), req).names()); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

// SHA-1 counts only for a key that is trusted with it.
func TestWeakSignature(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	index := apktest.Index(all()...)
	repo["x86_64/"+indexName] = slices.Concat(goodKey().Signature(index, true), index)
	req := request(t, serve(t, repo), "curl")
	_, err := newClient(t).Install(t.Context(), req)
	if err == nil || !strings.Contains(err.Error(), "the only signature of a trusted key is one with SHA-1") || !strings.Contains(hint.Of(err), "sha1:FILE") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
	key := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(key, goodKey().PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	req.Keys = []string{key}
	if _, err := newClient(t).Install(t.Context(), req); err == nil {
		t.Error("a key file alone makes SHA-1 count")
	}
	req.Keys = []string{"sha1:" + key}
	install(t, newClient(t), req)
}

func TestReservedNames(t *testing.T) { // of requests
	for _, s := range []string{"", " ", "a b", "a@edge", "!a", "a=", "a=x", "=1", "a==1"} {
		if _, err := newClient(t).Install(t.Context(), request(t, "nowhere", s)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("package %q: want a name", s)) {
			t.Errorf("error %v of %q", err, s)
		}
	}
}

// What is left out, or replaced by another package, takes nothing away from its hard
// links.
func TestHardLinksOfWhatIsNotThere(t *testing.T) {
	hard := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}
	}
	one := pkg("one", "1-r0", apktest.File("etc/passwd", 0o644), hard("opt/copy", "etc/passwd"), apktest.File("usr/bin/x", 0o755), hard("usr/bin/y", "usr/bin/x"))
	two := pkg("two", "1-r0", apktest.File("usr/bin/x", 0o755))
	two.Contents["usr/bin/x"], two.Replaces, two.Depends = []byte("two's"), []string{"one"}, []string{"one"}
	i := install(t, newClient(t), request(t, serve(t, apktest.New(goodKey(), one.Build(nil), two.Build(nil))), "two"))
	for path, want := range map[string]string{"/opt/copy": "content of etc/passwd", "/usr/bin/x": "two's", "/usr/bin/y": "content of usr/bin/x"} {
		if f := i.find(t, path); string(f.Content) != want || f.Linkname != "" {
			t.Errorf("%s is %q, a hard link to %q; want %q", path, f.Content, f.Linkname, want)
		}
	}
}

// A shell of any package is where Docker looks for it.
func TestInstallShell(t *testing.T) {
	p := pkg("dash", "1-r0", apktest.File("usr/bin/sh", 0o755))
	req := request(t, serve(t, apktest.New(goodKey(), p.Build(nil))), "dash")
	req.Base = base(t, dirs("/bin")...)
	if sh := install(t, newClient(t), req).find(t, "/bin/sh"); sh.Linkname != "/usr/bin/sh" {
		t.Errorf("/bin/sh is %v", sh)
	}
}
