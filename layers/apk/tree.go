package apk

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

// A tree is the base image's file system with what is added to it.
type tree struct {
	fs       *rootfs.FS
	added    map[string]addition // by path
	reserved []string            // paths that packages must leave alone
	kept     []string            // the base's files that the package at hand gave way to
	managed  bool                // the base has a database of installed packages
	warn     func(format string, args ...any)
}

// An addition is a file, directory or link that is added.
type addition struct {
	by   *Package
	file *entry // what holds the content of a regular file
	layers.File
}

// add adds the entries of a package, and returns those that the image then holds.
func (t *tree) add(p *Package, c *control, list []*entry) (placed []*entry, err error) {
	for _, e := range list {
		ok, err := t.place(p, c, e)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", e.path, err)
		}
		if ok {
			placed = append(placed, e)
		}
	}
	if len(t.kept) > 0 {
		t.warn("%s: what the base image has stays: %s", p, strings.Join(t.kept, ", "))
		t.kept = nil
	}
	return placed, nil
}

// place puts an entry where the links of the tree lead to. ok is false if what the base
// has there stays in its place.
func (t *tree) place(p *Package, c *control, e *entry) (ok bool, err error) {
	if e.isDir() {
		return true, t.placeDir(p, e)
	}
	at, err := t.fs.Resolve(e.path)
	if err != nil {
		return false, err
	}
	if there, ok := t.fs.At(at); ok {
		if _, ours := t.added[at]; ours {
			take, err := t.settle(c, e, at)
			if err != nil || !take {
				return err == nil, err
			}
		} else if yields, err := t.yield(e, at, there); err != nil || yields {
			return false, err
		}
	}
	if r, _ := t.blocks(at); r != "" {
		if !t.managed && e.isLink() {
			t.warn("%s: the link %s is left out: it would hide %s", p, e.path, r)
			return false, nil
		}
		return false, fmt.Errorf("it would take the place of %s", r)
	}
	if err := t.addParents(p, path.Dir(at)); err != nil {
		return false, err
	}
	t.put(addition{p, e.file, layers.File{Path: at, Mode: e.file.mode, UID: e.file.uid, GID: e.file.gid, Linkname: e.link}})
	return true, nil
}

// placeDir adds a directory that is not there. One of the base's keeps its owner and mode.
func (t *tree) placeDir(p *Package, e *entry) error {
	at, err := t.fs.Follow(e.path)
	if err != nil {
		return err
	}
	there, ok := t.fs.At(at)
	switch r, to := t.blocks(at); {
	case ok && there.Type != tar.TypeDir:
		return fmt.Errorf("%q is not a directory in the base image", at)
	case ok && t.added[at].by != p:
		return nil
	case r != "" && strings.HasPrefix(at+"/", to+"/"):
		return fmt.Errorf("it would take the place of %s", r)
	}
	if err := t.addParents(p, path.Dir(at)); err != nil {
		return err
	}
	t.put(addition{by: p, File: layers.File{Path: at, Mode: e.mode, UID: e.uid, GID: e.gid}})
	return nil
}

func (t *tree) addParents(p *Package, dir string) error {
	for ; dir != "/"; dir = path.Dir(dir) {
		there, ok := t.fs.At(dir)
		if ok && there.Type != tar.TypeDir {
			return fmt.Errorf("%q is not a directory", dir)
		}
		if ok {
			return nil
		}
		t.put(addition{by: p, File: layers.File{Path: dir, Mode: fs.ModeDir | 0o755}})
	}
	return nil
}

func (t *tree) put(a addition) {
	t.added[a.Path] = a
	t.fs.Put(a.Path, a.Mode, a.Linkname)
}

// settle decides between two packages that bring the same path: the later one takes it if
// it says that it replaces the other, and nothing changes if both bring the same.
func (t *tree) settle(c *control, e *entry, at string) (take bool, err error) {
	old := t.added[at]
	if old.Mode == e.file.mode && old.Linkname == e.link && bytes.Equal(old.file.content, e.file.content) {
		return false, nil
	}
	for _, s := range c.replaces {
		if r, err := parseConstraint(s); err == nil && r.satisfiedBy(old.by) && !old.Mode.IsDir() {
			return true, nil
		}
	}
	return false, fmt.Errorf("package %q has it, too", old.by)
}

// yield decides between a package and the base. A base with a database of packages has no
// place for two owners. Of another, files of configuration and data stay, as apk itself
// keeps them, and so does the skeleton: directories and links at the top.
func (t *tree) yield(e *entry, at string, there rootfs.Entry) (bool, error) {
	if e.isLink() && there.Type == tar.TypeSymlink && there.Linkname == e.link {
		return true, nil
	}
	if !t.managed {
		dir := path.Dir(at)
		if e.isLink() && slices.Contains([]string{"/", "/usr", "/var"}, dir) {
			return true, nil
		}
		for _, data := range []string{"/etc", "/usr/share", "/var"} {
			if strings.HasPrefix(at, data+"/") && there.Type != tar.TypeDir {
				t.kept = append(t.kept, at)
				return true, nil
			}
		}
	}
	return false, fmt.Errorf("the base image has a file of its own there")
}

// blocks returns the reserved path that something at a path, other than a directory,
// would be in the way of, and where links lead to from it, or "".
func (t *tree) blocks(at string) (reserved, to string) {
	for _, r := range t.reserved {
		to, err := t.fs.Follow(r)
		if err != nil {
			to = r
		}
		if at == to || strings.HasPrefix(to, at+"/") || strings.HasPrefix(at, to+"/") {
			return r, to
		}
	}
	return "", ""
}

// list returns what was added, sorted by path. Of files that are hard links to each other
// the first one holds the content.
func (t *tree) list() []layers.File {
	var files []layers.File
	first := map[*entry]string{}
	for _, name := range slices.Sorted(maps.Keys(t.added)) {
		a := t.added[name]
		if a.Mode.IsRegular() {
			to, linked := first[a.file]
			if a.Linkname = to; !linked {
				first[a.file], a.Content = name, a.file.content
			}
		}
		files = append(files, a.File)
	}
	return files
}
