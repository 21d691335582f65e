package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// packagesKey signs the packages of scripts. It takes long to make.
var packagesKey = sync.OnceValue(func() apktest.Key { return apktest.NewKey("test.rsa.pub") })

// A packageServer serves a script's packages, and remembers what it was asked for.
type packageServer struct {
	mu       sync.Mutex
	repo     apktest.Repository
	requests []string
}

func (s *packageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, password, _ := r.BasicAuth()
	rest, private := strings.CutPrefix(r.URL.Path, "/private")
	if private && (name != "user" || password != "secret") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if private {
		r.URL.Path = rest
	}
	rec := &statusRecorder{ResponseWriter: w}
	s.repo.ServeHTTP(rec, r)
	s.requests = append(s.requests, fmt.Sprintf("%d %s", rec.status, r.URL.Path))
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// serverKey finds the server among a script's values.
type serverKey struct{}

// servePackages gives a script a server of packages at PACKAGES, and its key in KEY.
func servePackages(e *testscript.Env) error {
	s := &packageServer{repo: apktest.New(packagesKey(), testPackages(apktest.BusyboxBinary("cat", "id", "ls", "sh"))...)}
	srv := httptest.NewServer(s)
	e.Defer(srv.Close)
	e.Values[serverKey{}] = s
	e.Setenv("PACKAGES", srv.URL)
	e.Setenv("KEY", filepath.Join(e.WorkDir, "test.rsa.pub"))
	return os.WriteFile(e.Getenv("KEY"), packagesKey().PEM(), 0o644)
}

// testPackages are busybox, with a binary, and curl with what it needs.
func testPackages(binary []byte) (built []apktest.Package) {
	file := func(name, version, path string, depends ...string) apktest.Package {
		return apktest.Package{
			Name: name, Version: version, Depends: depends,
			Files: []tar.Header{apktest.File(path, 0o755)}, Contents: map[string][]byte{path: []byte(name)},
		}
	}
	curl := file("curl", "8.21.0-r2", "usr/bin/curl", "so:libcurl.so.4", "wolfi-baselayout")
	curl.License = "MIT AND curl"
	oldCurl := file("curl", "8.20.0-r0", "usr/bin/curl", "so:libcurl.so.4")
	oldCurl.Priority = 100
	libcurl := file("libcurl-openssl4", "8.21.0-r2", "usr/lib/libcurl.so.4")
	libcurl.Provides, libcurl.Origin = []string{"so:libcurl.so.4=4.8.0"}, "curl"
	layout := file("wolfi-baselayout", "20230201-r29", "etc/os-release")
	layout.Files = append(layout.Files, apktest.Link("lib", "usr/lib"), apktest.Link("var/run", "../run"))
	newer := file("needs-newer-base", "1-r0", "usr/bin/newer", "wolfi-baselayout>20240101")
	scripted := file("scripted", "1-r0", "usr/bin/scripted")
	scripted.Scripts = map[string]string{".post-install": "#!/bin/sh\n"}
	busybox := apktest.BusyboxStatic(binary)
	for _, p := range []apktest.Package{busybox, curl, oldCurl, libcurl, layout, newer, scripted} {
		for _, arch := range []string{"x86_64", "aarch64"} {
			p.Arch = arch
			built = append(built, p.Build(nil))
		}
	}
	return built
}

// wolfisBusyBox is this machine's BusyBox, which .ci/run installs, without wget: Wolfi's has
// none.
func wolfisBusyBox(t interface{ Fatalf(string, ...any) }) []byte {
	binary, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("reading BusyBox: %v", err)
	}
	return bytes.Replace(binary, []byte("\x00wget\x00"), []byte("\x00wgeu\x00"), 1)
}

// wolfiFiles are those of a base that lists its packages.
func wolfiFiles() []layers.File {
	files := []layers.File{
		{Path: "/usr", Mode: os.ModeDir | 0o755}, {Path: "/usr/bin", Mode: os.ModeDir | 0o755}, {Path: "/usr/lib", Mode: os.ModeDir | 0o755},
		{Path: "/usr/lib/apk", Mode: os.ModeDir | 0o755}, {Path: "/usr/lib/apk/db", Mode: os.ModeDir | 0o755},
		{Path: "/etc/os-release", Mode: 0o644, Content: []byte("ID=wolfi\nVERSION_ID=20230201\n")},
		{Path: "/usr/lib/apk/db/installed", Mode: 0o644, Content: []byte("P:wolfi-baselayout\nV:20230201-r29\nA:x86_64\nL:MIT\no:wolfi-baselayout\nF:etc\nR:os-release\n\n")},
	}
	for path, target := range map[string]string{"/bin": "usr/bin", "/lib": "usr/lib"} {
		files = append(files, layers.File{Path: path, Mode: os.ModeSymlink | 0o777, Linkname: target})
	}
	return files
}

// cmdAsked writes what the packages' server was asked for since the last time, and
// forgets it: asked > stdout.
func cmdAsked(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value(serverKey{}).(*packageServer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		s.requests = []string{"nothing"}
	}
	fmt.Fprintln(ts.Stdout(), strings.Join(s.requests, "\n"))
	s.requests = nil
}

// cmdServe changes what the packages' server serves: serve KIND, where KIND is good,
// tampered (packages have other bytes), unsigned, newer (another index), busybox (a real
// one) or, into a directory, DIR/.
func cmdServe(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(serverKey{}).(*packageServer)
	s.mu.Lock()
	defer s.mu.Unlock()
	packages := testPackages(apktest.BusyboxBinary("cat", "id", "ls", "sh"))
	s.repo = apktest.New(packagesKey(), packages...)
	switch kind := args[0]; kind {
	case "good":
	case "tampered":
		for name, data := range s.repo {
			if strings.HasSuffix(name, ".apk") {
				data[len(data)-10] ^= 1
			}
		}
	case "unsigned":
		s.repo["x86_64/APKINDEX.tar.gz"] = apktest.Index(packages[0])
	case "busybox":
		s.repo = apktest.New(packagesKey(), testPackages(wolfisBusyBox(ts))...)
	case "newer":
		p := apktest.BusyboxStatic(apktest.BusyboxBinary("sh"))
		p.Version = "1.39.0-r0"
		s.repo = apktest.New(packagesKey(), p.Build(nil))
	default:
		dir, ok := strings.CutSuffix(kind, "/")
		if !ok {
			ts.Fatalf("cannot serve %q", kind)
		}
		ts.Check(s.repo.Write(ts.MkAbs(dir)))
	}
}

// cmdCredentials sets URL to a URL with user and password: credentials URL USER:PASSWORD.
func cmdCredentials(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("URL", strings.Replace(args[0], "://", "://"+args[1]+"@", 1))
}
