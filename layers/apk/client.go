package apk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

// A Client fetches packages. Its zero value works, and it may be used by several
// goroutines at once.
type Client struct {
	Cache     cache.Dir    // keeps what was fetched and verified
	HTTP      *http.Client // nil means one as net/http's own
	UserAgent string

	// Pinned is the key that repositories may bring themselves; the zero value means
	// Wolfi's.
	Pinned PinnedKey

	// Progress is told of n more bytes that were downloaded; nil means nobody.
	Progress func(n int64)

	patience patience

	mu    sync.Mutex
	asked map[string]bool // URLs of indexes of which it is known that the cache has the latest
}

// patience says how long a client waits; the zero value means as long as it should.
type patience struct{ backoff, stall time.Duration }

// A Request says which packages to add to what.
type Request struct {
	Packages     []string   // names, perhaps with versions: curl, curl=8.21.0-r2, curl~8.21
	Repositories []string   // URLs or directories; none means DefaultRepository
	Keys         []string   // files of public keys, see ReadKey
	Offline      bool       // take all from the cache
	Arch         string     // such as x86_64
	Base         *rootfs.FS // the base image's file system
	BaseID       string     // tells bases apart; "" if nothing may be kept by it
	Reserved     []string   // paths that packages must leave alone
}

// An Installation is what a request adds to a base.
type Installation struct {
	Packages []*Package    // without those that the base has
	Files    []layers.File // sorted by path
	Warnings []string      // a line each
}

// Install returns what has to be added to the base for the packages to be there.
func (c *Client) Install(ctx context.Context, req Request) (*Installation, error) {
	var keys []*Key
	for _, name := range req.Keys {
		k, err := ReadKey(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	var wanted []constraint
	for _, s := range req.Packages {
		w, err := parseConstraint(s)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, w)
	}
	indexes, err := c.indexes(ctx, req, keys)
	if err != nil {
		return nil, err
	}
	kept, key := c.Cache.Sub("apk").Sub("installations"), c.key(req, keys, indexes)
	if data, ok := kept.Get(key); ok && key != "" {
		var i Installation
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&i) == nil {
			return &i, nil
		}
	}
	i, err := c.install(ctx, req, indexes, wanted)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if key != "" && gob.NewEncoder(&data).Encode(i) == nil {
		_ = kept.Put(key, data.Bytes()) // it is only slower without
	}
	return i, nil
}

// key tells apart everything that the result of a request follows from.
func (c *Client) key(req Request, keys []*Key, indexes []*index) string {
	if req.BaseID == "" {
		return ""
	}
	parts := []string{"1", runtime.Version(), req.Arch, req.BaseID, c.pinned().Fingerprint}
	for _, x := range indexes {
		parts = append(parts, "index", x.repo.String(), x.digest)
	}
	for _, k := range keys {
		parts = append(parts, "key", k.id())
	}
	parts = append(parts, "packages")
	parts = append(append(append(parts, req.Packages...), "reserved"), req.Reserved...)
	return digest([]byte(fmt.Sprintf("%q", parts)))
}

// indexes fetches the indexes of all repositories side by side.
func (c *Client) indexes(ctx context.Context, req Request, keys []*Key) ([]*index, error) {
	locations := req.Repositories
	if len(locations) == 0 {
		locations = []string{DefaultRepository}
	}
	indexes := make([]*index, len(locations))
	g, ctx := errgroup.WithContext(ctx)
	for i, location := range locations {
		repo, err := c.newRepository(location, keys, req.Offline)
		if err != nil {
			return nil, err
		}
		g.Go(func() (err error) {
			indexes[i], err = repo.fetchIndex(ctx, req.Arch)
			return err
		})
	}
	return indexes, g.Wait()
}

func (c *Client) install(ctx context.Context, req Request, indexes []*index, wanted []constraint) (*Installation, error) {
	db, err := readDatabase(req.Base)
	if err != nil {
		return nil, err
	}
	var available []*Package
	for _, x := range indexes {
		packages, err := x.packages(ctx, req.Arch)
		if err != nil {
			return nil, err
		}
		available = append(available, packages...)
	}
	chosen, err := resolve(ctx, available, db.packages, wanted)
	if err != nil {
		return nil, fmt.Errorf("resolving packages for %s: %w", req.Arch, err)
	}
	if len(chosen) == 0 {
		return &Installation{}, nil
	}
	controls, err := fetchAll(ctx, chosen)
	if err != nil {
		return nil, err
	}
	out, err := unpack(req, db, chosen, controls)
	if err != nil {
		return nil, err
	}
	for i, p := range chosen {
		p.from.keepPackage(p, controls[i])
	}
	return out, nil
}

// downloads is how many packages are downloaded at once.
const downloads = 8

func fetchAll(ctx context.Context, packages []*Package) ([]*control, error) {
	controls := make([]*control, len(packages))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(downloads)
	for i, p := range packages {
		g.Go(func() (err error) {
			if err = p.check(); err == nil {
				controls[i], err = p.from.fetchPackage(ctx, p)
			}
			if err != nil {
				return fmt.Errorf("package %q of %s: %w", p, p.from, err)
			}
			p.URL = p.from.location(p)
			return nil
		})
	}
	return controls, g.Wait()
}

// unpack makes files of verified packages.
func unpack(req Request, db *database, packages []*Package, controls []*control) (*Installation, error) {
	out := &Installation{Packages: packages}
	t := &tree{
		fs:       req.Base.Clone(),
		added:    map[string]addition{},
		reserved: req.Reserved,
		managed:  db.text != nil,
		warn:     func(format string, args ...any) { out.Warnings = append(out.Warnings, fmt.Sprintf(format, args...)) },
	}
	for i, p := range packages {
		list, err := readEntries(controls[i].data)
		if err != nil {
			return nil, fmt.Errorf("unpacking package %q: %w", p, err)
		}
		placed, err := t.add(p, controls[i], list)
		if err == nil {
			err = t.linkApplets(p, list)
		}
		if err != nil {
			return nil, hint.With(fmt.Errorf("adding package %q: %w", p, err), "leave the package out, or take another base image")
		}
		if scripts := controls[i].scripts; len(scripts) > 0 && !hasApplets(list) {
			t.warn("%s: its scripts are not run: %s", p, strings.Join(scripts, ", "))
		}
		db.add(p, controls[i], placed)
	}
	if err := t.putDatabase(packages[0], db); err != nil {
		return nil, err
	}
	out.Files = t.list()
	slices.Sort(out.Warnings)
	return out, nil
}

func hasApplets(list []*entry) bool {
	return slices.ContainsFunc(list, func(e *entry) bool { return strings.HasPrefix(e.path, appletLists) })
}

// putDatabase puts the database where the base has it, whole: a layer replaces files.
func (t *tree) putDatabase(p *Package, db *database) error {
	at, err := t.fs.Resolve(db.path)
	if err == nil {
		err = t.addParents(p, at[:strings.LastIndexByte(at, '/')])
	}
	if err != nil {
		return fmt.Errorf("adding database of installed packages: %w", err)
	}
	t.put(addition{p, &entry{content: db.text}, layers.File{Path: at, Mode: fs.FileMode(0o644)}})
	return nil
}

func (c *Client) pinned() PinnedKey {
	if c.Pinned == (PinnedKey{}) {
		return wolfiKey()
	}
	return c.Pinned
}

func (c *Client) fetcher() *fetcher {
	return &fetcher{
		client:    cmp.Or(c.HTTP, http.DefaultClient),
		userAgent: cmp.Or(c.UserAgent, "kohealth"),
		backoff:   cmp.Or(c.patience.backoff, firstBackoff),
		stall:     cmp.Or(c.patience.stall, maxStall),
		progress:  c.Progress,
	}
}

// wasAsked tells whether it is known that the cache has the latest index of a URL.
func (c *Client) wasAsked(u *url.URL) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[u.String()]
}

func (c *Client) markAsked(u *url.URL) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked == nil {
		c.asked = map[string]bool{}
	}
	c.asked[u.String()] = true
}
