package apk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers/cache"
)

// DefaultRepository is Wolfi's.
const DefaultRepository = "https://packages.wolfi.dev/os"

// A repository is one directory tree of packages, by the network or on disk.
type repository struct {
	*Client
	base    *url.URL      // without credentials; nil if dir is set
	user    *url.Userinfo // nil if there is none
	dir     string
	keys    []*Key // that are trusted beside the pinned one
	offline bool
}

// newRepository parses an HTTP URL, a file URL or a directory's path.
func (c *Client) newRepository(location string, keys []*Key, offline bool) (*repository, error) {
	r := &repository{Client: c, keys: keys, offline: offline}
	if !strings.Contains(location, "://") {
		r.dir = location
		return r, nil
	}
	u, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("parsing repository: it is not a URL") // the cause may hold a password
	}
	r.user, u.User = u.User, nil
	switch {
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("parsing repository %q: want no query and no fragment", u)
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && u.Path != "":
		r.dir = filepath.FromSlash(u.Path)
		return r, nil
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, hint.With(fmt.Errorf("parsing repository %q: want an http, https or file URL, or a directory", u),
			"Wolfi's is "+DefaultRepository)
	}
	if r.user == nil {
		r.user = netrcUser(u.Hostname())
	}
	r.base = u
	return r, nil
}

// String names the repository without its credentials.
func (r *repository) String() string {
	if r.base == nil {
		return r.dir
	}
	return r.base.String()
}

// location returns the URL of a package, or "" in a directory.
func (r *repository) location(p *Package) string {
	if r.base == nil {
		return ""
	}
	return r.url(p.dir, p.filename()).String()
}

// url returns where a file of the repository is.
func (r *repository) url(elem ...string) *url.URL { return r.base.JoinPath(elem...) }

// An index is a signed index that was fetched, known by the digest of its bytes.
type index struct {
	repo   *repository
	digest string
	body   []byte // nil if it is in the cache only
}

// A head is what the cache knows of the index of a URL.
type head struct {
	ETag   string `json:"etag"`
	Digest string `json:"digest"` // of the index, SHA-256 in hex
}

const indexName = "APKINDEX.tar.gz"

// fetchIndex makes sure that the index is at hand: of a remote one that is in the cache
// it only asks whether it has changed, once.
func (r *repository) fetchIndex(ctx context.Context, arch string) (*index, error) {
	if r.base == nil {
		body, err := readFile(filepath.Join(r.dir, arch, indexName), maxIndex)
		if err != nil {
			return nil, r.explainMissing(err)
		}
		return &index{r, digest(body), body}, nil
	}
	u := r.url(arch, indexName)
	heads, bodies := r.Cache.Sub("apk").Sub("heads"), r.Cache.Sub("apk").Sub("indexes")
	key := digest([]byte(u.String()))
	var old head
	if data, ok := heads.Get(key); ok {
		_ = json.Unmarshal(data, &old) // else it is fetched anew
	}
	known := old.Digest != "" && bodies.Has(old.Digest)
	if known && (r.offline || r.wasAsked(u)) {
		return &index{repo: r, digest: old.Digest}, nil
	}
	if r.offline {
		return nil, hint.With(fmt.Errorf("the index of %s is not in the cache", r), "build once without --health-offline")
	}
	if !known {
		old.ETag = ""
	}
	resp, err := r.fetcher().get(ctx, u, r.user, old.ETag, maxIndex)
	if err != nil {
		return nil, r.explainMissing(err)
	}
	if resp.unchanged {
		r.markAsked(u)
		return &index{repo: r, digest: old.Digest}, nil
	}
	got := &index{r, digest(resp.body), resp.body}
	if _, err := got.verify(ctx); err != nil {
		return nil, err
	}
	r.keep(heads, bodies, key, old, head{resp.etag, got.digest}, resp.body)
	r.markAsked(u)
	return got, nil
}

// keep keeps an index in place of the one before. It is only slower without.
func (r *repository) keep(heads, bodies cache.Dir, key string, old, latest head, body []byte) {
	if bodies.Put(latest.Digest, body) != nil {
		return
	}
	data, err := json.Marshal(latest)
	if err == nil && heads.Put(key, data) == nil && old.Digest != "" && old.Digest != latest.Digest {
		bodies.Remove(old.Digest)
	}
}

// verify returns the signed part of the index.
func (x *index) verify(ctx context.Context) ([]byte, error) {
	if x.body == nil {
		body, ok := x.repo.Cache.Sub("apk").Sub("indexes").Get(x.digest)
		if !ok {
			return nil, hint.With(fmt.Errorf("the index of %s has gone from the cache", x.repo), "build again")
		}
		x.body = body
	}
	signed, err := verifyIndex(x.body, x.repo.keys)
	if pin := x.repo.pinned(); err != nil && names(x.body, pin.Name) {
		k, keyErr := x.repo.pinnedKey(ctx, pin)
		if keyErr != nil {
			return nil, fmt.Errorf("repository %s: %w", x.repo, keyErr)
		}
		signed, err = verifyIndex(x.body, []*Key{k})
	}
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", x.repo, err)
	}
	return signed, nil
}

// names tells whether an index says to be signed by a key of a name.
func names(index []byte, key string) bool {
	signatures, _, err := cutSignatures(index)
	return err == nil && slices.ContainsFunc(signatures, func(s signature) bool { return s.key == key })
}

// packages returns what is in the index, once it is verified.
func (x *index) packages(ctx context.Context, arch string) (all []*Package, err error) {
	signed, err := x.verify(ctx)
	if err != nil {
		return nil, err
	}
	err = readIndex(signed, arch, func(p *Package) {
		p.from, p.dir = x.repo, arch
		all = append(all, p)
	})
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", x.repo, err)
	}
	return all, nil
}

// pinnedKey returns the key that has the fingerprint, from the cache or the repository.
func (r *repository) pinnedKey(ctx context.Context, pin PinnedKey) (*Key, error) {
	kept := r.Cache.Sub("apk").Sub("keys")
	if text, ok := kept.Get(pin.Fingerprint); ok {
		if k, err := parseKey(text); err == nil && k.Fingerprint() == pin.Fingerprint {
			return k, nil
		}
	}
	text, err := r.keyFile(ctx, pin.Name)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", pin.Name, err)
	}
	k, err := parseKey(text)
	if err == nil && k.Fingerprint() != pin.Fingerprint {
		err = hint.With(fmt.Errorf("its fingerprint is %s, not %s", k.Fingerprint(), pin.Fingerprint),
			"this is not the key that kohealth knows: find out why before you trust it with --health-key")
	}
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", pin.Name, err)
	}
	_ = kept.Put(pin.Fingerprint, text) // it is only slower without
	return k, nil
}

const maxKey = 64 << 10

func (r *repository) keyFile(ctx context.Context, name string) ([]byte, error) {
	switch {
	case r.base == nil:
		return readFile(filepath.Join(r.dir, name), maxKey)
	case r.offline:
		return nil, hint.With(errors.New("it is not in the cache"), "build once without --health-offline")
	}
	resp, err := r.fetcher().get(ctx, r.url(name), r.user, "", maxKey)
	if err != nil {
		return nil, err
	}
	return resp.body, nil
}

// fetchPackage returns a verified package, from the cache, the directory or the server.
func (r *repository) fetchPackage(ctx context.Context, p *Package) (*control, error) {
	if r.base == nil {
		file, err := readFile(filepath.Join(r.dir, p.dir, p.filename()), p.Size)
		if err != nil {
			return nil, err
		}
		return verifyPackage(file, p)
	}
	if file, ok := r.packages().Get(hex.EncodeToString(p.Checksum)); ok {
		if c, err := verifyPackage(file, p); err == nil {
			return c, nil
		}
	}
	if r.offline {
		return nil, hint.With(errors.New("it is not in the cache"), "build once without --health-offline")
	}
	resp, err := r.fetcher().get(ctx, r.url(p.dir, p.filename()), r.user, "", p.Size)
	if err != nil {
		return nil, err
	}
	c, err := verifyPackage(resp.body, p)
	if err != nil {
		return nil, err
	}
	c.file = resp.body
	return c, nil
}

// keepPackage keeps a package that was downloaded, once nothing of it was refused.
func (r *repository) keepPackage(p *Package, c *control) {
	if c.file != nil {
		_ = r.packages().Put(hex.EncodeToString(p.Checksum), c.file) // it is only slower without
	}
}

// packages is where the cache keeps packages, by the digest that the index has of them.
func (r *repository) packages() cache.Dir { return r.Cache.Sub("apk").Sub("packages") }

// explainMissing adds the next step to an error of a repository.
func (r *repository) explainMissing(err error) error {
	var status statusError
	err = fmt.Errorf("repository %s: %w", r, err)
	switch {
	case errors.As(err, &status) && (status == 401 || status == 403):
		return hint.With(err, "put user and password into ~/.netrc or the repository's URL")
	case errors.As(err, &status) && status == 404, errors.Is(err, os.ErrNotExist):
		return hint.With(err, "name the directory above x86_64 and aarch64, as in "+DefaultRepository)
	case r.base != nil:
		return hint.With(err, "name a mirror or a directory with --health-repository, or build from the cache with --health-offline")
	}
	return err
}

// readFile reads a regular file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: it is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("reading %q: it has more than %d bytes", name, limit)
	}
	return data, err
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
