package files

import (
	"os"
	"path/filepath"

	"github.com/ko-health/kohealth/layers/cache"
)

// CacheDir is kohealth's directory in the user's cache, or none where the user has
// no cache, as in a container without HOME.
func CacheDir() cache.Dir {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "kohealth")
	if target, err := filepath.EvalSymlinks(dir); err == nil { // pruning follows no links
		dir = target
	}
	return cache.Dir(dir)
}
