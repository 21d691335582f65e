package apk

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers"
)

// appletLists is where a busybox with a trigger keeps lists of the paths that it is to be
// called by.
const appletLists = "/etc/busybox-paths.d/"

// applets returns the path of a package's busybox, if it brings one, and the paths by which
// that is to be called: those of its list or, as Wolfi's busybox-static has none, those of
// the names in its binary.
//
// https://github.com/wolfi-dev/os/blob/main/busybox-static.yaml
func applets(list []*entry) (busybox string, paths []string) {
	i := slices.IndexFunc(list, func(e *entry) bool {
		return e.mode.IsRegular() && e.mode&0o111 != 0 && strings.HasPrefix(path.Base(e.path), "busybox")
	})
	if i < 0 {
		return "", nil
	}
	for _, e := range list {
		if strings.HasPrefix(e.path, appletLists) && e.mode.IsRegular() {
			paths = append(paths, strings.Fields(string(e.file.content))...)
		}
	}
	if len(paths) == 0 {
		for _, name := range appletNames(list[i].file.content) {
			paths = append(paths, "/usr/bin/"+name)
		}
	}
	return list[i].path, paths
}

// appletTable is what the names are kept in: sorted, with a NUL after each and one more at
// the end. Its first two are other names of test.
//
// https://git.busybox.net/busybox/tree/applets/applet_tables.c
var appletTable = regexp.MustCompile(`\[\x00\[\[\x00(?:[a-z0-9][a-z0-9._-]*\x00)+\x00`)

// appletNames returns the names by which a busybox can be called. Where there is no table,
// there is at least a shell.
func appletNames(binary []byte) []string {
	for _, table := range appletTable.FindAll(binary, -1) {
		names := strings.Split(strings.TrimRight(string(table), "\x00"), "\x00")
		if slices.IsSorted(names) && slices.Contains(names, "sh") {
			return names
		}
	}
	if bytes.HasPrefix(binary, []byte("\x7fELF")) {
		return []string{"sh"}
	}
	return nil
}

// linkApplets does what "busybox --install -s" would do, but leaves every path alone that
// there is. It reports whether the package has applets.
func (t *tree) linkApplets(p *Package, list []*entry) (ok bool, err error) {
	busybox, paths := applets(list)
	if err := limits.PackageEntries.Check(int64(len(paths))); err != nil {
		return false, err
	}
	for _, applet := range paths {
		if err := t.linkApplet(p, applet, busybox); err != nil {
			return false, fmt.Errorf("applet %q: %w", applet, err)
		}
	}
	if t.added["/usr/bin/sh"].by == p { // where a base has not merged /bin
		err = t.linkApplet(p, "/bin/sh", "/usr/bin/sh")
	}
	return len(paths) > 0, err
}

func (t *tree) linkApplet(p *Package, applet, busybox string) error {
	name, err := cleanPath(strings.TrimPrefix(applet, "/"))
	if err != nil {
		return err
	}
	at, err := t.fs.Resolve(name)
	if err != nil {
		return err
	}
	if r, _ := t.blocks(at); r != "" {
		return nil
	}
	if _, ok := t.fs.At(at); ok {
		return nil
	}
	if err := t.addParents(p, path.Dir(at)); err != nil {
		return err
	}
	t.put(addition{by: p, file: &entry{}, File: layers.File{Path: at, Mode: fs.ModeSymlink | 0o777, Linkname: busybox}})
	return nil
}
