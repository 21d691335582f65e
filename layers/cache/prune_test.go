package cache_test

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/layers/cache"
)

const day = 24 * time.Hour

// write makes files of ten bytes each that were last used so many days ago.
func write(t *testing.T, dir string, days map[string]int) {
	t.Helper()
	for name, n := range days {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 10), 0o644); err != nil {
			t.Fatal(err)
		}
		used := time.Now().Add(-time.Duration(n) * day)
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, dir string) []string {
	t.Helper()
	files := []string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPrune(t *testing.T) {
	layout := map[string]int{"img/oci-layout": 9, "img/index.json": 9, "img/blobs/sha256/a": 9, "img/blobs/sha256/b": 3}
	for name, test := range map[string]struct {
		days   map[string]int
		limits cache.Limits
		want   []string
	}{
		"all is young":              {map[string]int{"a": 1, "b": 2}, cache.Limits{Age: 3 * day, Size: 100}, []string{"a", "b"}},
		"too old":                   {map[string]int{"a": 1, "x/b": 4}, cache.Limits{Age: 3 * day, Size: 100}, []string{"a"}},
		"too much":                  {map[string]int{"a": 1, "b": 2, "x/c": 0}, cache.Limits{Age: 3 * day, Size: 25}, []string{"a", "x/c"}},
		"exactly as much":           {map[string]int{"a": 1, "b": 2}, cache.Limits{Age: 3 * day, Size: 20}, []string{"a", "b"}},
		"what goes counts no more":  {map[string]int{"a": 1, "b": 4, "img/oci-layout": 3, "img/index.json": 3, "img/c": 3}, cache.Limits{Age: 9 * day, Size: 25}, []string{"a", "b"}},
		"one that is too large":     {map[string]int{"a": 1}, cache.Limits{Age: 3 * day, Size: 9}, []string{}},
		"a layout is one, young":    {layout, cache.Limits{Age: 4 * day, Size: 100}, slices.Sorted(maps.Keys(layout))},
		"a layout is one, old":      {layout, cache.Limits{Age: 2 * day, Size: 100}, []string{}},
		"a layout is one, too much": {layout, cache.Limits{Age: 4 * day, Size: 39}, []string{}},
		"skipped":                   {map[string]int{"busy/a": 9, "busy/b/c": 9, "b": 9}, cache.Limits{}, []string{"busy/a", "busy/b/c"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.days)
			skip := func(path string) bool { return path == filepath.Join(dir, "busy") }
			if err := cache.Dir(dir).Prune(test.limits, skip); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, left(t, dir)); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPruneOfNothing(t *testing.T) {
	dir := cache.Dir(filepath.Join(t.TempDir(), "not", "there"))
	if err := dir.Prune(cache.Limits{}, nil); err != nil {
		t.Error(err)
	}
}

// TestPruneSparesLinks checks that links, which only the user can have made, stay.
func TestPruneSparesLinks(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	err := os.Symlink(t.TempDir(), link)
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("Windows lets not everybody make links:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{dir, link} {
		if err := cache.Dir(root).Prune(cache.Limits{}, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error("the link is gone")
	}
}

// TestPruneDaily checks that the second time of a day removes nothing.
func TestPruneDaily(t *testing.T) {
	dir := t.TempDir()
	none := func(string) bool { return false }
	prune := func() {
		t.Helper()
		write(t, dir, map[string]int{"old": 9})
		if err := cache.Dir(dir).PruneDaily(cache.Limits{Age: day, Size: 100}, none); err != nil {
			t.Fatal(err)
		}
	}
	prune()
	if diff := cmp.Diff([]string{"pruned"}, left(t, dir)); diff != "" {
		t.Errorf("left the first time (-want +got):\n%s", diff)
	}
	prune()
	if diff := cmp.Diff([]string{"old", "pruned"}, left(t, dir)); diff != "" {
		t.Errorf("left the second time (-want +got):\n%s", diff)
	}
}

// TestUseKeeps checks that an entry is kept for as long as it is used.
func TestUseKeeps(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	if err := dir.Put("a", []byte("content")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(string(dir), "a")
	old := time.Now().Add(-9 * day)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if _, ok := dir.Get("a"); !ok {
		t.Fatal("no entry")
	}
	if err := dir.Prune(cache.Limits{Age: 2 * day, Size: 1000}, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if _, ok := dir.Get("a"); !ok {
		t.Error("an entry just used was pruned")
	}
}
