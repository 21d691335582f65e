package equip

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

// place puts a file where the base's own links lead to, with those of its
// directories that the base lacks.
func place(base *rootfs.FS, f layers.File) ([]layers.File, error) {
	resolved, err := base.Resolve(f.Path)
	if err != nil {
		return nil, fmt.Errorf("adding %q: %w", f.Path, err)
	}
	if err := free(base, f.Path, resolved); err != nil {
		return nil, fmt.Errorf("adding %q: %w", f.Path, err)
	}
	f.Path = resolved
	files := []layers.File{f}
	for dir := path.Dir(resolved); dir != "/"; dir = path.Dir(dir) {
		e, err := base.Lookup(dir)
		if err == nil && e.Type != tar.TypeDir {
			return nil, fmt.Errorf("adding %q: %q is not a directory in the base image", f.Path, dir)
		}
		if err != nil {
			files = append(files, layers.File{Path: dir, Mode: fs.ModeDir | 0o755})
		}
	}
	slices.Reverse(files)
	return files, nil
}

// free returns an error if a file cannot be where the base's links lead to from its path.
func free(base *rootfs.FS, name, resolved string) error {
	for _, dir := range koDirs() {
		if at, err := base.Resolve(dir); err == nil && resolved != name && strings.HasPrefix(resolved+"/", at+"/") {
			return hint.With(fmt.Errorf("links of the base image lead to %q, which ko fills", resolved), "take another base image")
		}
	}
	switch {
	case resolved != name && has(base, resolved):
		return hint.With(fmt.Errorf("links of the base image lead to %q, and there is a file", resolved), "take another base image")
	case has(base, name):
		return hint.With(errors.New("the base image has a file of its own there"),
			`take another base image, or run the base's own program with --health='["CMD", "`+health.ProbePath+`"]'`)
	}
	return nil
}

// koDirs are the directories that ko's own layers fill.
func koDirs() []string { return []string{"/ko-app", "/var/run/ko"} }

// has reports whether something is at name. No other error can be: all was read before.
func has(base *rootfs.FS, name string) bool {
	_, err := base.Lookup(name)
	return err == nil
}
