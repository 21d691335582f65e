package kocompat

import (
	"log"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/layers/cache"
)

// keepFor is how long kohealth keeps an entry of the user's cache after its last use, and
// keepMax how many bytes it keeps in all.
const (
	keepFor = 10 * 24 * time.Hour
	keepMax = 4 << 30
)

// PruneCache prunes after a run that went well. Failing that is no failure of the run.
func PruneCache(mine *KoCache) {
	if err := prune(files.CacheDir(), mine); err != nil {
		log.Printf("warning: pruning %s: %v", files.CacheDir(), err)
	}
}

// prune prunes all that kohealth keeps for the user, but for what other processes use.
func prune(user cache.Dir, mine *KoCache) error {
	if user == "" {
		return nil
	}
	locks, err := filepath.Glob(filepath.Join(string(user), "ko", "*", "*"+LockSuffix))
	if err != nil {
		return err
	}
	busy := map[string]bool{}
	for _, path := range locks {
		dir := strings.TrimSuffix(path, LockSuffix)
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
