package pipeline

import (
	gobuild "go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxVisited is how many directories are looked into for main packages: more would make
// people wait.
const maxVisited = 5000

// MainDirs returns the directories of main packages in a directory and below it, as
// arguments for kohealth build.
func MainDirs(root string) (dirs []string) {
	root = filepath.Clean(root)
	visited := 0
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // what cannot be read is not offered
		}
		if visited++; visited > maxVisited {
			return filepath.SkipAll
		}
		if dir != root && isForeign(dir) {
			return filepath.SkipDir
		}
		if pkg, err := gobuild.ImportDir(dir, 0); err == nil && pkg.Name == "main" {
			dirs = append(dirs, AsArgument(dir))
		}
		return nil
	})
	return dirs
}

// isForeign tells a directory that go's patterns leave out: https://pkg.go.dev/cmd/go#hdr-Package_lists_and_patterns
func isForeign(dir string) bool {
	name := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		slices.Contains([]string{"testdata", "vendor", "node_modules"}, name)
}

// AsArgument returns a directory as go takes it for one, and not for an import path.
func AsArgument(dir string) string {
	dir = filepath.ToSlash(dir)
	if dir == "." || dir == ".." || filepath.IsAbs(dir) || strings.HasPrefix(dir, "../") {
		return dir
	}
	return "./" + dir
}
