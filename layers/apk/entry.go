package apk

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/limits"
)

// An entry is a directory, file or link that a package brings.
type entry struct {
	path     string // absolute and clean
	mode     fs.FileMode
	uid, gid int
	link     string // a symbolic link's target, as it is written
	hard     string // the path of the file that this is a hard link to
	file     *entry // what holds the content: the entry itself, or what it is a hard link to
	content  []byte
}

func (e *entry) isDir() bool  { return e.mode.IsDir() }
func (e *entry) isLink() bool { return e.mode&fs.ModeSymlink != 0 }

// readEntries reads the files of a package, and refuses whatever could end up elsewhere
// or as something else than it seems.
func readEntries(compressed []byte, room *room) ([]*entry, error) {
	zr, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	t := entries{seen: map[string]*entry{}, room: room}
	if err := eachFile(&measured{zr, &room.archives}, t.add); err != nil {
		return nil, err
	}
	return t.list, nil
}

// room is how many bytes and entries there may still be in all packages together. Of a
// sparse file an archive holds less than the file does.
type room struct{ archives, files, entries int64 }

func newRoom() *room {
	return &room{archives: limits.Files.Max(), files: limits.Files.Max(), entries: limits.PackageEntries.Max()}
}

// A measured reader takes what it reads from the room that there is.
type measured struct {
	r    io.Reader
	left *int64
}

func (m *measured) Read(p []byte) (int, error) {
	if int64(len(p)) > *m.left+1 {
		p = p[:*m.left+1]
	}
	n, err := m.r.Read(p)
	if *m.left -= int64(n); *m.left < 0 {
		return 0, limits.Files.Exceeded()
	}
	return n, err
}

// entries collects the entries of one package.
type entries struct {
	list []*entry
	seen map[string]*entry
	room *room
}

func (t *entries) add(h *tar.Header, r io.Reader) error {
	if path.Clean(h.Name) == "." {
		return nil
	}
	if t.room.entries--; t.room.entries < 0 {
		return limits.PackageEntries.Exceeded()
	}
	e, err := newEntry(h)
	if err == nil {
		err = t.check(e)
	}
	if err == nil && e.file == e && e.mode.IsRegular() {
		e.content, err = io.ReadAll(&measured{r, &t.room.files})
	}
	if err != nil {
		return fmt.Errorf("%q: %w", h.Name, err)
	}
	t.list = append(t.list, e)
	t.seen[e.path] = e
	return nil
}

func newEntry(h *tar.Header) (*entry, error) {
	name, err := cleanPath(h.Name)
	if err != nil {
		return nil, err
	}
	e := &entry{path: name, mode: h.FileInfo().Mode(), uid: h.Uid, gid: h.Gid}
	if e.uid < 0 || e.gid < 0 || e.uid > 1<<31-2 || e.gid > 1<<31-2 {
		return nil, fmt.Errorf("owner %d:%d does not exist", e.uid, e.gid)
	}
	const kept = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	perm := e.mode & kept
	switch h.Typeflag {
	case tar.TypeDir:
		e.mode = fs.ModeDir | perm
	case tar.TypeReg:
		e.mode = perm
	case tar.TypeSymlink:
		e.mode, e.link = fs.ModeSymlink|0o777, h.Linkname
		err = cmp.Or(limits.Path.Check(int64(len(e.link))+1), checkTarget(e))
	case tar.TypeLink:
		e.mode = perm
		e.hard, err = cleanPath(h.Linkname)
	default:
		err = errors.New("it is neither directory nor file nor link")
	}
	return e, err
}

// cleanPath returns the absolute form of a name in an archive. Names that leave the tree,
// that container runtimes take for deletions, or that apk takes for a control part are
// refused.
func cleanPath(name string) (string, error) {
	switch {
	case name == "" || strings.HasPrefix(name, "/"):
		return "", errors.New("the path is not relative")
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) || !utf8.ValidString(name):
		return "", errors.New("the path holds control characters or is not UTF-8")
	}
	for _, part := range strings.Split(name, "/") {
		if part == ".." || strings.HasPrefix(part, ".wh.") {
			return "", fmt.Errorf("%q cannot be part of a path", part)
		}
	}
	clean := path.Clean("/" + name)
	if err := cmp.Or(limits.Path.Check(int64(len(name))+1), limits.PathParts.Check(int64(strings.Count(clean, "/")))); err != nil {
		return "", err
	}
	if strings.HasPrefix(clean, "/.") || clean == "/" {
		return "", errors.New("the name is reserved")
	}
	return clean, nil
}

// checkTarget refuses symbolic links that climb above the root, which is somewhere else
// to whoever unpacks a layer than to a container.
func checkTarget(e *entry) error {
	depth := strings.Count(path.Dir(e.path), "/")
	if path.Dir(e.path) == "/" || path.IsAbs(e.link) {
		depth = 0
	}
	for _, part := range strings.Split(e.link, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return fmt.Errorf("its target %q is outside of the tree", e.link)
		}
	}
	if e.link == "" || strings.ContainsFunc(e.link, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("its target %q is no path", e.link)
	}
	return nil
}

// check refuses an entry that does not go with those before it.
func (t *entries) check(e *entry) error {
	if old := t.seen[e.path]; old != nil && !(old.isDir() && e.isDir()) {
		return errors.New("duplicate path")
	}
	for dir := path.Dir(e.path); dir != "/"; dir = path.Dir(dir) {
		if above := t.seen[dir]; above != nil && !above.isDir() {
			return fmt.Errorf("%q is not a directory", dir)
		}
	}
	if e.file = e; e.hard == "" {
		return nil
	}
	if e.file = t.seen[e.hard]; e.file == nil || !e.file.mode.IsRegular() || e.file.hard != "" {
		return fmt.Errorf("it is a hard link to %q, which is not a file of the package before it", e.hard)
	}
	return nil
}

// sorted returns the entries in the order of their paths.
func sorted(list []*entry) []*entry {
	return slices.SortedFunc(slices.Values(list), func(a, b *entry) int { return strings.Compare(a.path, b.path) })
}
