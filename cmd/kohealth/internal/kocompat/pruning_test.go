package kocompat

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ko-health/kohealth/layers/cache"
)

// TestPruneSparesOthers checks that what a running process uses is not pruned.
func TestPruneSparesOthers(t *testing.T) {
	user := cache.Dir(t.TempDir())
	mine, busy, idle := another(t, user), another(t, user), another(t, user)
	idle.Close(true)
	age := time.Now().Add(-2 * keepFor)
	for _, c := range []*KoCache{mine, busy, idle} {
		writeFile(t, filepath.Join(c.dir, "out"), age)
	}
	if err := prune(user, mine); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		c    *KoCache
		want bool
	}{{"its own", mine, false}, {"another's", busy, true}, {"nobody's", idle, false}} {
		if _, err := os.Stat(filepath.Join(test.c.dir, "out")); (err == nil) != test.want {
			t.Errorf("%s old file is there: %v, want %v", test.name, err == nil, test.want)
		}
		if _, err := os.Stat(test.c.dir + LockSuffix); err != nil {
			t.Errorf("%s lock is gone", test.name)
		}
	}
	busy.Close(true)
	mine.Close(true)
}

// TestPruneWithoutCache checks that nothing is written, nor complained about, where
// the user has no cache or none can be made.
func TestPruneWithoutCache(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, user := range []cache.Dir{"", cache.Dir(filepath.Join(dir, "nothing", "kohealth"))} {
		if err := prune(user, nil); err != nil {
			t.Errorf("pruning %q: %v", user, err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("pruning left %v, %v", files, err)
	}
}
