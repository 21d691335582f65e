package main

import (
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
	"time"

	"github.com/gofrs/flock"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/layers/cache"
)

// koCacheVariable names the directory where ko keeps programs that it has linked,
// digests of their layers, and manifests of base images. ko keeps nothing without it.
const koCacheVariable = "KOCACHE"

// A koCache is a directory for ko's cache that no other process uses: ko does not
// expect any. Processes that run at the same time get one each, those after one
// another the same.
//
// ko takes for whole what a process left half-written when it was killed. So a
// process marks the directory at its start and removes the mark when all went well;
// the next one that finds a mark removes what is younger.
type koCache struct {
	dir  string
	lock *flock.Flock
}

const lockSuffix = ".lock"

// What kohealth keeps for the user is kept for so long after its last use, up to so
// many bytes.
const (
	keepFor = 10 * 24 * time.Hour
	keepMax = 4 << 30
)

// maxKoCaches is how many processes may have a cache at the same time.
const maxKoCaches = 64

// useKoCache gives ko a cache unless the user has said which, if any. Whatever fails
// only costs time.
func useKoCache(user cache.Dir) *koCache {
	if _, ok := os.LookupEnv(koCacheVariable); ok || user == "" {
		return nil
	}
	c, err := openKoCache(filepath.Join(string(user), "ko", buildKey()))
	if err != nil {
		log.Printf("warning: building without a cache: %v", err)
		return nil
	}
	return c
}

// close ends the use of a cache, if there is one. ok says that what was written is
// whole.
func (c *koCache) close(ok bool) {
	if c == nil {
		return
	}
	if ok {
		_ = os.Remove(c.mark())
	}
	_ = os.Unsetenv(koCacheVariable)
	_ = c.lock.Unlock()
}

// pruneCache prunes after a run that went well. Failing that is no failure of the run.
func pruneCache(mine *koCache) {
	if err := prune(cacheDir(), mine); err != nil {
		log.Printf("warning: pruning %s: %v", cacheDir(), err)
	}
}

// prune prunes all that kohealth keeps for the user, but for what other processes use.
func prune(user cache.Dir, mine *koCache) error {
	locks, err := filepath.Glob(filepath.Join(string(user), "ko", "*", "*"+lockSuffix))
	if err != nil {
		return err
	}
	busy := map[string]bool{}
	for _, path := range locks {
		dir := strings.TrimSuffix(path, lockSuffix)
		busy[path] = true // whoever waits for a lock must not wait for one that is gone
		if mine != nil && dir == mine.dir {
			continue
		}
		lock := flock.New(path)
		if ok, err := lock.TryLock(); err != nil || !ok {
			busy[dir] = true
			continue
		}
		defer lock.Unlock()
	}
	return user.PruneDaily(cache.Limits{Age: keepFor, Size: keepMax}, func(path string) bool { return busy[path] })
}

// buildKey is another one in another build of kohealth: what a layer is compressed to
// is up to ko and to Go's standard library.
func buildKey() string {
	info, _ := debug.ReadBuildInfo()
	sum := sha256.Sum256([]byte(info.String()))
	return hex.EncodeToString(sum[:8])
}

func openKoCache(parent string) (*koCache, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	for i := range maxKoCaches {
		c := &koCache{filepath.Join(parent, strconv.Itoa(i)), flock.New(filepath.Join(parent, strconv.Itoa(i)+lockSuffix))}
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
		return c, os.Setenv(koCacheVariable, c.dir)
	}
	return nil, fmt.Errorf("more than %d in use in %q", maxKoCaches, parent)
}

func (c *koCache) mark() string { return filepath.Join(c.dir, "in-use") }

// begin removes what is not whole and sets the mark.
func (c *koCache) begin() error {
	if mark, err := os.Stat(c.mark()); err == nil {
		if err := removeSince(c.dir, mark.ModTime()); err != nil {
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

// fixedBuildID matches a linker flag that gives programs an ID of the user's choice:
// ko's cache tells programs apart by their IDs.
var fixedBuildID = regexp.MustCompile(`-buildid=[^\s'"]`)

// dropKoCache has ko go without a cache where the cache would mistake programs.
func dropKoCache(bo *options.BuildOptions) error {
	flags := slices.Concat([]string{os.Getenv("GOFLAGS")}, bo.DefaultEnv, bo.DefaultFlags, bo.DefaultLdflags, bo.Ldflags)
	for _, config := range bo.BuildConfigs {
		flags = slices.Concat(flags, config.Env, []string(config.Flags), []string(config.Ldflags))
	}
	if !slices.ContainsFunc(flags, fixedBuildID.MatchString) {
		return nil
	}
	return os.Setenv(koCacheVariable, "")
}
