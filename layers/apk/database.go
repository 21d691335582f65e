package apk

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// Where the database of installed packages is: apk's own place, and where it lies since
// /lib is a link to /usr/lib.
const (
	oldDatabase = "/lib/apk/db/installed"
	newDatabase = "/usr/lib/apk/db/installed"
)

// A database is a base image's list of installed packages.
type database struct {
	path     string // where it is or, if there is none, belongs
	text     []byte // nil if there is none
	packages []*Package
}

func readDatabase(base *rootfs.FS) (*database, error) {
	for _, name := range []string{newDatabase, oldDatabase} {
		e, err := base.Lookup(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %q of the base image: %w", name, err)
		}
		text, err := base.ReadFile(name, limits.Database)
		if err != nil {
			return nil, fmt.Errorf("reading %q of the base image: %w", name, err)
		}
		db := &database{path: e.Path, text: text}
		db.packages, err = parseDatabase(string(text))
		if err != nil {
			return nil, hint.With(fmt.Errorf("reading %q of the base image: %w", e.Path, err),
				"apk's list of packages is damaged there: take another base image")
		}
		return db, nil
	}
	return &database{path: newDatabase}, nil
}

func parseDatabase(text string) (packages []*Package, err error) {
	err = eachRecord(strings.NewReader(text), func(record string) error {
		p, err := parsePackage(record)
		packages = append(packages, p)
		return err
	})
	return packages, err
}

// add appends a package and its files.
//
// https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2
func (db *database) add(p *Package, c *control, list []*entry) {
	var b strings.Builder
	b.Write(db.text)
	if len(db.text) > 0 {
		b.WriteString(strings.Repeat("\n", 2-trailingNewlines(db.text)))
	}
	b.WriteString(p.indexLines())
	if len(c.replaces) > 0 && len(p.replaces) == 0 {
		fmt.Fprintf(&b, "r:%s\n", strings.Join(c.replaces, " "))
	}
	byDir, known := map[string][]*entry{}, map[string]bool{}
	var dirs []*entry
	for _, e := range sorted(list) {
		if e.isDir() {
			dirs = append(dirs, e)
			known[e.path] = true
			continue
		}
		dir := path.Dir(e.path)
		if !known[dir] {
			dirs = append(dirs, &entry{path: dir, mode: fs.ModeDir | 0o755})
			known[dir] = true
		}
		byDir[dir] = append(byDir[dir], e)
	}
	for _, d := range sorted(dirs) {
		fmt.Fprintf(&b, "F:%s\n", strings.TrimPrefix(d.path, "/"))
		d.writeMode(&b, 'M', 0o755)
		for _, e := range byDir[d.path] {
			fmt.Fprintf(&b, "R:%s\n", path.Base(e.path))
			e.file.writeMode(&b, 'a', 0o644)
			fmt.Fprintf(&b, "Z:Q1%s\n", e.checksum())
		}
	}
	b.WriteByte('\n')
	db.text = []byte(b.String())
}

// trailingNewlines returns how many of the two that end a record are there.
func trailingNewlines(text []byte) int {
	n := 0
	for n < 2 && n < len(text) && text[len(text)-1-n] == '\n' {
		n++
	}
	return n
}

// writeMode writes owner and mode where they are not those that apk assumes.
func (e *entry) writeMode(b *strings.Builder, field byte, usual fs.FileMode) {
	mode := e.mode.Perm()
	for _, bit := range []struct{ from, to fs.FileMode }{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if e.mode&bit.from != 0 {
			mode |= bit.to
		}
	}
	if e.uid != 0 || e.gid != 0 || mode != usual {
		fmt.Fprintf(b, "%c:%d:%d:%o\n", field, e.uid, e.gid, uint32(mode))
	}
}

// checksum is the digest of what a file holds or a link points to.
func (e *entry) checksum() string {
	data := e.file.content
	if e.isLink() {
		data = []byte(e.link)
	}
	sum := sha1.Sum(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}
