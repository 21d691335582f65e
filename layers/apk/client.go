package apk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

// A Client fetches packages. Its zero value works, and it may be used by several
// goroutines at once.
type Client struct {
	Cache     cache.Dir    // keeps what was fetched and verified
	HTTP      *http.Client // nil means net/http's own; what it says of redirects does not count
	UserAgent string

	// Logf is told of downloads that are tried again, a line each; nil means nobody.
	Logf func(format string, args ...any)

	// Pinned is the key that repositories may bring themselves; the zero value means
	// Wolfi's.
	Pinned PinnedKey

	patience patience

	mu    sync.Mutex
	asked map[string]bool        // URLs of indexes of which it is known that the cache has the latest
	busy  map[string]*sync.Mutex // by architecture
}

// patience says how long a client waits; the zero value means as long as it should.
type patience struct{ backoff, stall, resolve time.Duration }

// A Request says which packages to add to what.
type Request struct {
	Packages     []string   // names, perhaps with versions: curl, curl=8.21.0-r2, curl~8.21
	Repositories []string   // URLs or directories; none means Wolfi's
	Keys         []string   // files of public keys, in PEM; behind "sha1:" signatures with SHA-1 count, too
	Offline      bool       // take all from the cache
	Arch         string     // such as x86_64
	Base         *rootfs.FS // the base image's file system; without an ID nothing is kept by it
	Reserved     []string   // paths that packages must leave alone
}

// An Installation is what a request adds to a base.
type Installation struct {
	Packages []*Package    // without those that the base has
	Files    []layers.File // sorted by path
	Warnings []string      // a line each
}

// Check refuses what Install would refuse without asking a repository.
func (c *Client) Check(req Request) error {
	_, _, _, err := c.read(req)
	return err
}

// read reads keys, parses what is wanted, and says where to look for it.
func (c *Client) read(req Request) (keys []*publicKey, wanted []constraint, repositories []*repository, err error) {
	if keys, err = readKeys(req.Keys); err != nil {
		return nil, nil, nil, err
	}
	for _, s := range req.Packages {
		w, err := parseConstraint(s)
		if err != nil {
			return nil, nil, nil, err
		}
		wanted = append(wanted, w)
	}
	repositories, err = c.repositories(req, keys)
	return keys, wanted, repositories, err
}

// Install returns what has to be added to the base for the packages to be there. Requests
// for the same architecture wait for each other, so that what one downloads is in the cache
// for the next.
func (c *Client) Install(ctx context.Context, req Request) (*Installation, error) {
	defer c.lock(req.Arch)()
	keys, wanted, repositories, err := c.read(req)
	if err != nil {
		return nil, err
	}
	indexes, err := fetchIndexes(ctx, repositories, req.Arch)
	if err != nil {
		return nil, err
	}
	if req.Base.ID() == "" {
		return c.install(ctx, req, indexes, wanted)
	}
	// Most of an index does not concern a request: results are kept by the packages that
	// were chosen, and choices by the whole index.
	choices, key := c.Cache.Sub("apk").Sub("choices"), c.choiceKey(req, keys, indexes)
	if id, ok := choices.Get(key); ok {
		if i, ok := c.kept(string(id)); ok {
			return i, nil
		}
	}
	i, err := c.install(ctx, req, indexes, wanted)
	if err != nil {
		return nil, err
	}
	id := i.key(req)
	var data bytes.Buffer
	if gob.NewEncoder(&data).Encode(i) == nil && c.installations().Put(id, data.Bytes()) == nil {
		_ = choices.Put(key, []byte(id)) // it is only slower without
	}
	return i, nil
}

func (c *Client) installations() cache.Dir { return c.Cache.Sub("apk").Sub("installations") }

// kept returns an installation of the cache.
func (c *Client) kept(id string) (i *Installation, ok bool) {
	data, ok := c.installations().Get(id)
	if !ok {
		return nil, false
	}
	i = &Installation{}
	return i, gob.NewDecoder(bytes.NewReader(data)).Decode(i) == nil
}

// key tells installations apart by everything that they follow from once their packages
// are chosen.
func (i *Installation) key(req Request) string {
	parts := append([]string{format, runtime.Version(), req.Base.ID()}, req.Reserved...)
	for _, p := range i.Packages {
		parts = append(parts, "package", p.URL, p.indexLines()) // which have the checksum, too
	}
	return digest(fmt.Appendf(nil, "%q", parts))
}

// format changes when the same packages make other files or warnings than before, or when
// what was kept can no longer be believed.
const format = "4"

// choiceKey tells apart everything that a choice of packages follows from.
func (c *Client) choiceKey(req Request, keys []*publicKey, indexes []*index) string {
	parts := []string{format, runtime.Version(), req.Arch, req.Base.ID(), c.pinned().Fingerprint}
	for _, x := range indexes {
		parts = append(parts, "index", x.repo.String(), x.digest)
	}
	for _, k := range keys {
		parts = append(parts, "key", k.id())
	}
	parts = append(parts, "packages")
	parts = append(append(append(parts, req.Packages...), "reserved"), req.Reserved...)
	return digest(fmt.Appendf(nil, "%q", parts))
}

func (c *Client) repositories(req Request, keys []*publicKey) (list []*repository, err error) {
	locations := req.Repositories
	if len(locations) == 0 {
		locations = []string{defaultRepository}
	}
	for _, location := range locations {
		r, err := c.newRepository(location, keys, req.Offline)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// fetchIndexes fetches the indexes of all repositories side by side.
func fetchIndexes(ctx context.Context, repositories []*repository, arch string) ([]*index, error) {
	indexes := make([]*index, len(repositories))
	g, ctx := errgroup.WithContext(ctx)
	for i, r := range repositories {
		g.Go(func() (err error) {
			indexes[i], err = r.fetchIndex(ctx, arch)
			return err
		})
	}
	return indexes, g.Wait()
}

func (c *Client) lock(arch string) (unlock func()) {
	c.mu.Lock()
	if c.busy == nil {
		c.busy = map[string]*sync.Mutex{}
	}
	if c.busy[arch] == nil {
		c.busy[arch] = &sync.Mutex{}
	}
	busy := c.busy[arch]
	c.mu.Unlock()
	busy.Lock()
	return busy.Unlock
}

func (c *Client) pinned() PinnedKey {
	if c.Pinned == (PinnedKey{}) {
		return wolfiKey()
	}
	return c.Pinned
}

func (c *Client) fetcher() *fetcher {
	client := *cmp.Or(c.HTTP, http.DefaultClient)
	client.CheckRedirect = checkRedirect
	logf := c.Logf
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &fetcher{
		client:    client,
		logf:      logf,
		userAgent: cmp.Or(c.UserAgent, "kohealth"),
		backoff:   cmp.Or(c.patience.backoff, firstBackoff),
		stall:     cmp.Or(c.patience.stall, limits.Stall.Duration()),
	}
}

// wasAsked reports whether it is known that the cache has the latest index of a URL.
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
