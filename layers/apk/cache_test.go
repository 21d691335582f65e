package apk

import (
	"errors"
	"fmt"
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
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// A logged server remembers what it was asked for.
type logged struct {
	http.Handler
	mu    sync.Mutex
	paths []string
}

func (l *logged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.paths = append(l.paths, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("If-None-Match")))
	l.mu.Unlock()
	l.Handler.ServeHTTP(w, r)
}

// take returns the paths since the last time.
func (l *logged) take() (paths []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	paths, l.paths = l.paths, nil
	slices.Sort(paths)
	return paths
}

// again returns a client with the cache of another, as a later build has it.
func again(c *Client) *Client {
	return &Client{Cache: c.Cache, Pinned: c.Pinned, patience: c.patience}
}

func TestCache(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	srv := &logged{Handler: repo}
	c := newClient(t)
	req := request(t, serve(t, srv), "curl")
	first := install(t, c, req)
	if diff := cmp.Diff([]string{
		"/wolfi-signing.rsa.pub", "/x86_64/APKINDEX.tar.gz", "/x86_64/ca-certificates-bundle-20260413-r1.apk",
		"/x86_64/curl-8.21.0-r2.apk", "/x86_64/libcurl-8.21.0-r2.apk",
	}, srv.take()); diff != "" {
		t.Errorf("asked for at first (-want +got):\n%s", diff)
	}

	c = again(c)
	second := install(t, c, req)
	if paths := srv.take(); len(paths) != 1 || !strings.HasPrefix(paths[0], `/x86_64/APKINDEX.tar.gz "`) {
		t.Errorf("asked for the second time: %q, want whether the index has changed", paths)
	}
	if diff := cmp.Diff(first.Files, second.Files, cmp.AllowUnexported(layers.File{})); diff != "" {
		t.Errorf("files from the cache (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first.names(), second.names()); diff != "" {
		t.Errorf("packages from the cache (-first +second):\n%s", diff)
	}
	install(t, c, req) // in the same build, as of another app
	if paths := srv.take(); len(paths) > 0 {
		t.Errorf("asked for in the same build: %q", paths)
	}

	// Another base: what was downloaded is there.
	offline := req
	offline.Offline, offline.Base = true, wolfi(t)
	install(t, again(c), offline)
	if paths := srv.take(); len(paths) > 0 {
		t.Errorf("asked for offline: %q", paths)
	}

	// An index in which only others have changed makes nothing new.
	installations := filepath.Join(string(c.Cache), "apk", "installations")
	before, err := os.ReadDir(installations)
	if err != nil || len(before) == 0 {
		t.Fatalf("%d installations in the cache, %v", len(before), err)
	}
	repo["x86_64/"+indexName] = goodKey().Sign(apktest.Index(append(all(), pkg("other", "1-r0").Build(nil))...))
	install(t, again(c), req)
	if paths := srv.take(); len(paths) != 1 {
		t.Errorf("asked for after a change that does not matter: %q", paths)
	}
	if after, _ := os.ReadDir(installations); len(after) != len(before) {
		t.Errorf("%d installations in the cache, before a change that does not matter %d", len(after), len(before))
	}

	// A newer index takes the place of the old one, and only what is new is fetched.
	newer := curl()
	newer.Version = "8.22.0-r0"
	for name, data := range apktest.New(goodKey(), newer.Build(nil), all()[1], all()[2]) {
		repo[name] = data
	}
	if got := install(t, again(c), req).names(); !slices.Contains(got, "curl=8.22.0-r0") {
		t.Errorf("packages %q", got)
	}
	paths := srv.take()
	if len(paths) != 2 || paths[1] != "/x86_64/curl-8.22.0-r0.apk" {
		t.Errorf("asked for after a change: %q", paths)
	}
}

// The index of one mirror may be that of another, which has not changed.
func TestCacheOfMirrors(t *testing.T) {
	c, changing := newClient(t), apktest.New(goodKey(), all()...)
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "curl")
	mirror := req
	mirror.Repositories = []string{serve(t, changing)}
	install(t, c, req)
	install(t, again(c), mirror)
	changing["x86_64/"+indexName] = goodKey().Sign(apktest.Index(append(all(), pkg("other", "1-r0").Build(nil))...))
	install(t, again(c), mirror)
	req.Offline = true
	install(t, again(c), req)
}

// What an index says of a package is in the image: it is not that of another index.
func TestCacheOfRecords(t *testing.T) {
	text := ""
	for _, p := range all() {
		text += strings.Replace(p.Entry(), "T:test", "T:another", 1)
	}
	other := apktest.New(goodKey(), all()...)
	other["x86_64/"+indexName] = goodKey().Sign(apktest.IndexOf(text))
	c, dirs := newClient(t), map[string]string{"T:test": t.TempDir(), "T:another": t.TempDir()}
	for want, repo := range map[string]apktest.Repository{"T:test": apktest.New(goodKey(), all()...), "T:another": other} {
		if err := repo.Write(dirs[want]); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"T:test", "T:another", "T:test"} {
		db := string(install(t, again(c), request(t, dirs[want], "curl")).find(t, "/usr/lib/apk/db/installed").Content)
		if strings.Count(db, want) != 3 {
			t.Errorf("the database holds the records of another index, want %s:\n%s", want, db)
		}
	}
}

// An older index that is signed well is taken, as apk itself takes it: a version that was
// asked for cannot be undercut.
func TestOlderIndex(t *testing.T) {
	newer := curl()
	newer.Version = "8.22.0-r0"
	repo := apktest.New(goodKey(), newer.Build(nil), all()[1], all()[2])
	c, url := newClient(t), serve(t, repo)
	install(t, c, request(t, url, "curl"))
	for name, data := range apktest.New(goodKey(), all()...) {
		repo[name] = data
	}
	if got := install(t, again(c), request(t, url, "curl")).names(); !slices.Contains(got, "curl=8.21.0-r2") {
		t.Errorf("packages %q of the older index", got)
	}
	for _, pinned := range []string{"curl=8.22.0-r0", "curl>8.21.0-r2"} {
		if _, err := again(c).Install(t.Context(), request(t, url, pinned)); err == nil || !strings.Contains(err.Error(), pinned) {
			t.Errorf("error %v of %q", err, pinned)
		}
	}
}

// Builds side by side ask for everything once.
func TestInstallSideBySide(t *testing.T) {
	srv := &logged{Handler: apktest.New(goodKey(), all()...)}
	c, req := newClient(t), request(t, serve(t, srv), "curl")
	var g errgroup.Group
	for _, id := range []string{"a", "a", "b", "b", "c"} {
		req := req
		req.Base = another(t, id)
		g.Go(func() error {
			_, err := c.Install(t.Context(), req)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if paths := srv.take(); len(paths) != 5 {
		t.Errorf("asked for %q", paths)
	}
}

func TestOfflineWithoutCache(t *testing.T) {
	srv := &logged{Handler: apktest.New(goodKey(), all()...)}
	req := request(t, serve(t, srv), "curl")
	req.Offline = true
	_, err := newClient(t).Install(t.Context(), req)
	if err == nil || !strings.Contains(err.Error(), "is not in the cache") {
		t.Errorf("error %v", err)
	}
	if paths := srv.take(); len(paths) > 0 {
		t.Errorf("asked for offline: %q", paths)
	}
}

// Without a cache there is only more to do.
func TestNoCache(t *testing.T) {
	c := newClient(t)
	c.Cache = ""
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "curl")
	if diff := cmp.Diff(install(t, newClient(t), req).Files, install(t, c, req).Files, cmp.AllowUnexported(layers.File{})); diff != "" {
		t.Errorf("files (-with +without):\n%s", diff)
	}
}

// What the cache has counts for those who trust its key.
func TestCacheIsVerified(t *testing.T) {
	c := newClient(t)
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "curl")
	install(t, c, req)
	other := again(c)
	other.Pinned = PinnedKey{otherKey().Name, otherKey().Fingerprint()}
	if _, err := other.Install(t.Context(), req); err == nil || !strings.Contains(err.Error(), "its fingerprint is") {
		t.Errorf("error %v of one who trusts another key", err)
	}

	// A package that somebody has changed, with a digest that fits, is fetched anew.
	kept := c.Cache.Sub("apk").Sub("packages")
	names, err := os.ReadDir(string(kept))
	if err != nil || len(names) != 3 {
		t.Fatalf("%d packages in the cache, %v", len(names), err)
	}
	for _, name := range names {
		if err := kept.Put(name.Name(), []byte("evil")); err != nil {
			t.Fatal(err)
		}
	}
	req.Base = another(t, "another")
	if got := string(install(t, again(c), req).find(t, "/usr/bin/curl").Content); got != "content of usr/bin/curl" {
		t.Errorf("curl is %q", got)
	}
}

// An index that was damaged in the cache is fetched anew by the next build.
func TestDamagedIndex(t *testing.T) {
	c := newClient(t)
	req := request(t, serve(t, apktest.New(goodKey(), all()...)), "curl")
	install(t, c, req)
	names, err := filepath.Glob(filepath.Join(string(c.Cache), "apk", "indexes", "*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("indexes %v, %v", names, err)
	}
	if err := os.WriteFile(names[0], []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	req.Base = another(t, "another")
	if _, err := again(c).Install(t.Context(), req); err == nil || !strings.Contains(err.Error(), "has gone from the cache") {
		t.Errorf("error %v", err)
	}
	install(t, again(c), req)
}

// A mirror that lacks the pinned key is told what to do.
func TestMirrorWithoutKey(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	delete(repo, goodKey().Name)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "x86_64"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x86_64", indexName), repo["x86_64/"+indexName], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{serve(t, repo), dir} {
		_, err := newClient(t).Install(t.Context(), request(t, location, "curl"))
		if !strings.Contains(hint.Of(err), "name the key's file with --health-key") {
			t.Errorf("%s: error %v, hint %q", location, err, hint.Of(err))
		}
	}
}

// Whatever a result follows from makes it another one.
func TestCacheKey(t *testing.T) {
	c := newClient(t)
	x := []*index{{repo: &repository{dir: "a"}, digest: "1"}}
	req := request(t, "a", "curl")
	keys := map[string]string{c.choiceKey(req, nil, x): "the same"}
	add := func(what string, key string) {
		if old, ok := keys[key]; ok {
			t.Errorf("%s: the key is that of %s", what, old)
		}
		keys[key] = what
	}
	change := func(f func(r *Request)) Request {
		r := req
		f(&r)
		return r
	}
	k, err := parseKey(goodKey().PEM())
	if err != nil {
		t.Fatal(err)
	}
	weak := *k
	weak.sha1 = true
	add("packages", c.choiceKey(change(func(r *Request) { r.Packages = []string{"curl", "wget"} }), nil, x))
	add("base", c.choiceKey(change(func(r *Request) { r.Base = another(t, "other") }), nil, x))
	add("architecture", c.choiceKey(change(func(r *Request) { r.Arch = "aarch64" }), nil, x))
	add("reserved", c.choiceKey(change(func(r *Request) { r.Reserved = nil }), nil, x))
	add("key", c.choiceKey(req, []*publicKey{k}, x))
	add("weak key", c.choiceKey(req, []*publicKey{&weak}, x))
	add("index", c.choiceKey(req, nil, []*index{{repo: x[0].repo, digest: "2"}}))
	add("repository", c.choiceKey(req, nil, []*index{{repo: &repository{dir: "b"}, digest: "1"}}))
}

// Servers fail now and then.
func TestRetries(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	failures := map[string]func(w http.ResponseWriter, r *http.Request){
		"500":      func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"429":      func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"hangs up": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"hangs up in between": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		},
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			tried := map[string]int{}
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				tried[r.URL.Path]++
				n := tried[r.URL.Path]
				mu.Unlock()
				if n < int(limits.Attempts.Max()) {
					fail(w, r)
					return
				}
				repo.ServeHTTP(w, r)
			}))
			c := newClient(t)
			said := 0
			c.Logf = func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				said++
				if line := fmt.Sprintf(format, args...); !strings.HasPrefix(line, "warning: downloading "+url+"/") || !strings.HasSuffix(line, "; trying again") {
					t.Errorf("said %q", line)
				}
			}
			install(t, c, request(t, url, "curl"))
			if most := len(tried) * (int(limits.Attempts.Max()) - 1); said == 0 || said > most { // net/http tries again by itself, too
				t.Errorf("%d lines say that a download is tried again, want 1 to %d", said, most)
			}
		})
	}
}

// What will not change is not tried again.
func TestDoesNotRetry(t *testing.T) {
	for _, status := range []int{401, 403, 404, 410} {
		srv := &logged{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })}
		if _, err := newClient(t).Install(t.Context(), request(t, serve(t, srv), "curl")); err == nil {
			t.Errorf("%d: no error", status)
		}
		if paths := srv.take(); len(paths) != 1 {
			t.Errorf("%d: asked for %q", status, paths)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := contextWithCause(t)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(errInterrupted)
		<-r.Context().Done()
	}))
	c := newClient(t)
	c.patience.stall = time.Hour
	if _, err := c.Install(ctx, request(t, url, "curl")); !errors.Is(err, errInterrupted) {
		t.Errorf("error %v", err)
	}
}

func TestNetrc(t *testing.T) {
	const text = "# comment\nmachine a.example login l password p\nmacdef init\ncd /\nmachine evil login x password y\n\n" +
		"machine b.example\n\tlogin m\n\taccount z\n\tpassword machine\ndefault login anonymous password me"
	for host, want := range map[string]string{"a.example": "l:p", "b.example": "m:machine", "evil": "anonymous:me"} {
		if got := parseNetrc(text, host); got == nil || got.String() != want {
			t.Errorf("%s: %v, want %s", host, got, want)
		}
	}
	for _, bad := range []string{"", "machine", "machine a.example login", "login l password p", "default"} {
		parseNetrc(bad, "a.example")
	}
	if got := parseNetrc("machine a.example login l password p", "b.example"); got != nil {
		t.Errorf("user %v of another host", got)
	}
}

// Credentials that cannot be read are named when they are needed.
func TestUnreadableNetrc(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("NETRC", dir)
	install(t, newClient(t), request(t, serve(t, apktest.New(goodKey(), all()...)), "curl"))
	private := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	_, err := newClient(t).Install(t.Context(), request(t, private, "curl"))
	if err == nil || !strings.Contains(err.Error(), "401 Unauthorized; looking for user and password: read "+dir) {
		t.Errorf("error %v", err)
	}
	t.Setenv("NETRC", filepath.Join(dir, "none"))
	_, err = newClient(t).Install(t.Context(), request(t, private, "curl"))
	if err == nil || strings.Contains(err.Error(), "looking for") || !strings.Contains(hint.Of(err), ".netrc") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// A bad location is found before anything is asked for.
func TestBadSecondRepository(t *testing.T) {
	srv := &logged{Handler: apktest.New(goodKey(), all()...)}
	req := request(t, serve(t, srv), "curl")
	req.Repositories = append(req.Repositories, "ftp://127.0.0.1/os")
	if _, err := newClient(t).Install(t.Context(), req); err == nil || !strings.Contains(err.Error(), `parsing repository "ftp://127.0.0.1/os"`) {
		t.Errorf("error %v", err)
	}
	if paths := srv.take(); len(paths) > 0 {
		t.Errorf("asked for %q", paths)
	}
}

// Where a redirect leads to another host or port, or away from TLS, user and password stay
// behind.
func TestRedirects(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	repo := apktest.New(goodKey(), all()...)
	record := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Header.Get("Authorization"))
		mu.Unlock()
		repo.ServeHTTP(w, r)
	})
	plain, secure := httptest.NewServer(record), httptest.NewTLSServer(record)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	redirect := func(to string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rest, ok := strings.CutPrefix(r.URL.Path, "/moved"); ok {
				r.URL.Path = rest
				record(w, r)
				return
			}
			http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
		})
	}
	secureClient := func(to string) (*httptest.Server, *http.Client) {
		srv := httptest.NewTLSServer(redirect(to))
		t.Cleanup(srv.Close)
		return srv, srv.Client()
	}
	ask := func(url string, client *http.Client) error {
		seen = nil
		c := newClient(t)
		c.HTTP = client
		_, err := c.Install(t.Context(), request(t, strings.Replace(url, "://", "://user:s3cret@", 1), "curl"))
		return err
	}

	srv, client := secureClient(plain.URL)
	if err := ask(srv.URL, client); err == nil || !strings.Contains(err.Error(), "the server redirects from https to http") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("from https to http: error %v", err)
	}
	if len(seen) > 0 {
		t.Errorf("from https to http: asked %d times", len(seen))
	}
	srv, client = secureClient(secure.URL) // the same address, another port
	if err := ask(srv.URL, client); err != nil || !slices.Contains(seen, "") || len(slices.Compact(seen)) != 1 {
		t.Errorf("to another port: error %v, credentials %q", err, seen)
	}
	srv, client = secureClient("/moved")
	if err := ask(srv.URL, client); err != nil || slices.Contains(seen, "") || len(seen) == 0 {
		t.Errorf("on the same host: error %v, credentials %q", err, seen)
	}
}

// A password is for the repository's own host, and for nobody's eyes.
func TestCredentials(t *testing.T) {
	repo := apktest.New(goodKey(), all()...)
	elsewhere := ""
	var leaked []string
	cdn := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "" {
			leaked = append(leaked, a)
		}
		repo.ServeHTTP(w, r)
	}))
	elsewhere = strings.Replace(cdn, "127.0.0.1", "localhost", 1)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "user" || p != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusFound)
	}))
	with := func(user string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }
	i := install(t, newClient(t), request(t, with("user:s3cret"), "curl"))
	if len(leaked) > 0 {
		t.Errorf("another host was sent %q", leaked)
	}
	for _, p := range i.Packages {
		if strings.Contains(p.URL, "s3cret") || strings.Contains(p.URL, "user") {
			t.Errorf("URL %q for the SBOM", p.URL)
		}
	}
	for _, location := range []string{with("user:wr0ng"), "http://user:wr0ng@%zz", "ftp://user:wr0ng@x/", "http://user:wr0ng@x/?q", "user:wr0ng@x/os", "user:wr/0ng@x", "https:/user:wr0ng@x/os", "http://user:wr0ng@127.0.0.1:1/"} {
		_, err := newClient(t).Install(t.Context(), request(t, location, "curl"))
		if err == nil || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("error %v of %q", err, location)
		}
	}
}
