package apk

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers/cache"
)

// defaultRepository is Wolfi's.
const defaultRepository = "https://packages.wolfi.dev/os"

// A repository is one directory tree of packages, by the network or on disk.
type repository struct {
	*Client
	base    *url.URL      // without credentials; nil if dir is set
	user    *url.Userinfo // nil if there is none
	userErr error         // why it could not be looked up
	dir     string
	keys    []*publicKey // that are trusted beside the pinned one
	offline bool
}

// newRepository parses an HTTP URL, a file URL or a directory's path.
func (c *Client) newRepository(location string, keys []*publicKey, offline bool) (*repository, error) {
	r := &repository{Client: c, keys: keys, offline: offline}
	if !strings.Contains(location, "://") {
		path := location[len(filepath.VolumeName(location)):]
		if user := path[:strings.LastIndexByte(path, '@')+1]; strings.Contains(user, ":") {
			return nil, hint.With(errors.New("parsing repository: it holds a password, but is not a URL"), // which is not shown
				"a URL begins with https://; write file:// before the absolute path of a directory")
		}
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
		u.RawQuery, u.Fragment = "", "" // which may be a token
		return nil, fmt.Errorf("parsing repository %q: want no query and no fragment", u)
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && u.Path != "":
		r.dir = filepath.FromSlash(u.Path)
		return r, nil
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, hint.With(fmt.Errorf("parsing repository %q: want an http, https or file URL, or a directory", u),
			"Wolfi's is "+defaultRepository)
	}
	if r.user == nil {
		r.user, r.userErr = netrcUser(u.Hostname())
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

// incomplete is what to do about a package that the index lists and the repository lacks.
const incomplete = "the index lists it: complete the mirror, or build again if it was just being updated"

// fetchPackage returns a verified package, from the cache, the directory or the server.
func (r *repository) fetchPackage(ctx context.Context, p *Package) (*control, error) {
	if r.base == nil {
		file, err := readFile(filepath.Join(r.dir, p.dir, p.filename()), limits.Downloads)
		if err != nil {
			return nil, r.explain(err, incomplete)
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
	var c *control
	resp, err := r.fetcher().getChecked(ctx, r.url(p.dir, p.filename()), r.user, "", p.Size, func(file []byte) (err error) {
		c, err = verifyPackage(file, p)
		return err
	})
	if err != nil {
		return nil, r.explain(err, incomplete)
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

// explain adds the next step to why a file could not be had: missing, if it is not there.
func (r *repository) explain(err error, missing string) error {
	var status statusError
	denied := errors.As(err, &status) && (status == 401 || status == 403)
	switch {
	case denied && r.userErr != nil:
		return fmt.Errorf("%w; looking for user and password: %w", err, r.userErr)
	case denied && r.user != nil:
		return hint.With(err, "the user and password of the repository's URL, or else of ~/.netrc, are not accepted")
	case denied:
		return hint.With(err, "put user and password into ~/.netrc or the repository's URL")
	case status == 404, errors.Is(err, os.ErrNotExist):
		return hint.With(err, missing)
	case errors.As(err, &x509.UnknownAuthorityError{}):
		return hint.With(err, "name a file with the server's authority in SSL_CERT_FILE, or have this machine trust it")
	case r.base != nil:
		return hint.With(err, "name a mirror or a directory with --health-repository, or build from the cache with --health-offline")
	}
	return err
}

// readFile reads a regular file within a limit.
func readFile(name string, limit limits.Limit) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: it is not a file", name)
	}
	return limit.ReadFile(name)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
