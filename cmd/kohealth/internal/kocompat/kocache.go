package kocompat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/layers/cache"
)

// KoCacheVariable names the directory where ko keeps programs that it has linked,
// digests of their layers, and manifests of base images. ko keeps nothing without it.
const KoCacheVariable = "KOCACHE"

// A KoCache is a directory for ko's cache that no other process uses: ko does not
// expect any. Processes that run at the same time get one each, those after one
// another the same.
//
// ko takes for whole what a process left half-written when it was killed. So a
// process marks the directory at its start and removes the mark when all went well;
// the next one that finds a mark removes what is younger.
//
// Damage to an entry after it was written is found by digests: see digestsName.
type KoCache struct {
	dir  string
	lock *flock.Flock

	recording sync.WaitGroup
}

// LockSuffix ends the name of the file that is locked while a [KoCache] is in use.
const LockSuffix = ".lock"

// maxKoCaches is how many processes may have a cache at the same time.
const maxKoCaches = 64

// UseKoCache gives ko a cache unless the user has said which, if any. Whatever fails
// only costs time.
func UseKoCache(user cache.Dir) *KoCache {
	if _, ok := os.LookupEnv(KoCacheVariable); ok || user == "" {
		return nil
	}
	c, err := openKoCache(filepath.Join(string(user), "ko", buildKey()))
	if err != nil {
		log.Printf("warning: building without a cache: %v", err)
		return nil
	}
	return c
}

// Close ends the use of a cache, if there is one. ok says that what was written is
// whole.
func (c *KoCache) Close(ok bool) {
	if c == nil {
		return
	}
	c.recording.Wait()
	if ok {
		_ = recordEntries(c.images(), nil) // else they are fetched again
		_ = os.Remove(c.mark())
	}
	_ = os.Unsetenv(KoCacheVariable)
	_ = c.lock.Unlock()
}

// buildKey is another one in another build of kohealth: what a layer is compressed to
// is up to ko and to Go's standard library.
func buildKey() string {
	info, _ := debug.ReadBuildInfo()
	sum := sha256.Sum256([]byte(info.String()))
	return hex.EncodeToString(sum[:8])
}

func openKoCache(parent string) (*KoCache, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	for i := range maxKoCaches {
		c := &KoCache{dir: filepath.Join(parent, strconv.Itoa(i)), lock: flock.New(filepath.Join(parent, strconv.Itoa(i)+LockSuffix))}
		locked, err := c.lock.TryLock()
		if err != nil {
			return nil, err
		}
		if !locked {
			continue
		}
		if err := c.begin(); err != nil {
			return nil, errors.Join(err, c.lock.Unlock())
		}
		return c, os.Setenv(KoCacheVariable, c.dir)
	}
	return nil, fmt.Errorf("more than %d in use in %q", maxKoCaches, parent)
}

func (c *KoCache) mark() string { return filepath.Join(c.dir, "in-use") }

// images is where ko keeps manifests and configs of base images, as an OCI layout.
func (c *KoCache) images() string { return filepath.Join(c.dir, "img") }

// programs is where ko keeps what it has built of an import path, for each platform.
func (c *KoCache) programs(importpath string) string {
	return filepath.Join(c.dir, "bin", strings.TrimPrefix(importpath, build.StrictScheme))
}

// begin removes what is not whole and sets the mark.
func (c *KoCache) begin() error {
	if mark, err := os.Stat(c.mark()); err == nil {
		if err := removeSince(c.dir, mark.ModTime()); err != nil {
			return err
		}
	}
	if whole, _, err := checkEntries(c.images()); err != nil || !whole { // its index names the others
		if err := os.RemoveAll(c.images()); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(c.mark(), nil, 0o644)
}

// removeSince removes the files in dir that were modified at a time or later.
func removeSince(dir string, since time.Time) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.ModTime().Before(since) {
			return err
		}
		return os.Remove(path)
	})
}

// untold matches what ko's cache cannot tell programs by, so that it would take an old
// one for a new one: it tells them apart by their IDs, and go writes no other ID when
// the user has chosen one, and links nothing again when only a C library has changed.
var untold = regexp.MustCompile(`-buildid(=|\s+)['"]?[^\s'"]|-linkmode(=|\s+)['"]?external|(^|\s)CGO_ENABLED=([^0]|$)`)

// DropKoCache has ko go without a cache where the cache would mistake programs. ko
// expands templates, which may name variables, later on.
func DropKoCache(bo *options.BuildOptions) error {
	words := slices.Concat(os.Environ(), bo.DefaultEnv, bo.DefaultFlags, bo.DefaultLdflags, bo.Ldflags)
	for _, config := range bo.BuildConfigs {
		words = slices.Concat(words, config.Env, []string(config.Flags), []string(config.Ldflags))
	}
	if !untold.MatchString(strings.Join(words, " ")) {
		return nil
	}
	return os.Setenv(KoCacheVariable, "")
}

// A withinCache is ko's builder, which goes without a cache from the first import path
// on that leads out of it, as ../app would: the cache has a directory for each.
type withinCache struct {
	build.Interface // as commands.NewBuilder returns it: a build.Caching
	cache           *KoCache
}

// KeepWithin returns ko's builder, inner, with a cache that kohealth gives ko; nil is the
// user's, or none.
func KeepWithin(inner build.Interface, cache *KoCache) build.Interface {
	return withinCache{inner, cache}
}

func (b withinCache) Build(ctx context.Context, importpath string) (build.Result, error) {
	switch {
	case !filepath.IsLocal(strings.TrimPrefix(importpath, build.StrictScheme)):
		if err := os.Setenv(KoCacheVariable, ""); err != nil {
			return nil, err
		}
	case b.cache != nil && os.Getenv(KoCacheVariable) != "":
		return b.cached(ctx, importpath)
	}
	return b.Interface.Build(ctx, importpath)
}

// cached builds with a cache in which ko finds only what is as it was. Where the cache
// fails, as on a full disk, it builds without.
func (b withinCache) cached(ctx context.Context, importpath string) (build.Result, error) {
	dir := b.cache.programs(importpath)
	_, checked, err := checkEntries(dir)
	if err == nil {
		var result build.Result
		if result, err = b.Interface.Build(ctx, importpath); err == nil {
			b.cache.recording.Go(func() { _ = recordEntries(dir, checked) }) // else they are built again
			return result, nil
		}
		if !isFull(b.cache.dir, err) {
			return nil, err
		}
	}
	log.Printf("warning: building without a cache: %v", err)
	if err := errors.Join(os.RemoveAll(dir), os.Setenv(KoCacheVariable, "")); err != nil {
		return nil, err
	}
	if memory, ok := b.Interface.(*build.Caching); ok {
		memory.Invalidate(importpath) // of the error, too
	}
	return b.Interface.Build(ctx, importpath)
}

// isFull reports whether an error, which may be in the output of go, is that no more can
// be written to a directory.
func isFull(dir string, err error) bool {
	if !strings.Contains(err.Error(), dir) {
		return false
	}
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, cause) || strings.Contains(err.Error(), cause.Error()) {
			return true
		}
	}
	return false
}
