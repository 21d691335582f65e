package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/verified"
)

// A layer is what is known of a layer so far.
type layer struct {
	v1.Layer        // nil of what was put over a file system
	digest   string // that what was read of it was held against
	spent    *spent
	nodes    map[string]node
	hidden   map[string]bool // directories that hides was asked about
	listed   bool            // nodes holds everything
	stream   *stream         // of the file that was opened last
}

// A node is what a layer says of a path.
type node struct {
	Entry
	explicit bool     // there is an entry
	children []string // the paths right below that there are entries at or below
	below    bool     // there are entries or whiteouts below
	gone     bool     // there is a whiteout: what lies below in lower layers is removed
	opaque   bool     // a directory that shows nothing of lower layers
}

// implied reports whether there are entries below.
func (n node) implied() bool { return len(n.children) > 0 }

// known reports whether there are entries at or below.
func (n node) known() bool { return n.explicit || n.implied() }

// spent is how much of an image was read, all its layers together.
type spent struct{ layers, entries, names, lookups int64 }

// hold counts an entry against what may be held in memory.
func (s *spent) hold(e Entry) error {
	s.names += int64(len(e.Path) + len(e.Linkname))
	if err := limits.Names.Check(s.names); err != nil {
		return err
	}
	return limits.Entries.Check(s.entries)
}

// look counts a look-up of a path, longer ones as several.
func (s *spent) look(name string) error {
	s.lookups += 1 + int64(len(name)/64)
	if err := limits.ImageLayers.Check(s.layers); err != nil {
		return err
	}
	return limits.Lookups.Check(s.lookups)
}

func newLayer(l v1.Layer, spent *spent) *layer {
	return &layer{Layer: verified.Layer(l), spent: spent, nodes: map[string]node{}}
}

// find returns what the layer says of a path. It reads all of the layer: of equal names
// the last counts.
func (l *layer) find(name string) (node, error) {
	if err := l.spent.look(name); err != nil {
		return node{}, err
	}
	if !l.listed {
		entries, err := scan(l, &spent{})
		if err != nil {
			return node{}, l.fail(err)
		}
		if err := l.addAll(entries); err != nil {
			return node{}, err
		}
	}
	return l.nodes[name], nil
}

func (l *layer) addAll(entries []Entry) error {
	for i, e := range entries {
		e.at = i
		if err := l.add(e); err != nil {
			return l.fail(err)
		}
	}
	l.listed = true
	return nil
}

func (l *layer) fail(err error) error {
	digest, _ := l.Digest() // only names the layer
	return fmt.Errorf("reading layer %q: %w", digest, err)
}

// Whiteout files remove what lies below them.
//
// https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// add notes an entry, in the place of an earlier one and, if that was a directory and
// this is none, of all below, as containerd unpacks layers. Docker's and Podman's own
// stores refuse such layers. Whiteouts act on the layers below only, wherever they stand in
// their own.
func (l *layer) add(e Entry) error {
	if e.Path == "/" || e.Type == tar.TypeXGlobalHeader {
		return nil
	}
	dir, base := path.Split(e.Path)
	dir = path.Clean(dir)
	switch gone := path.Join(dir, strings.TrimPrefix(base, whiteout)); {
	case base == opaque:
		l.mark(dir, func(n *node) { n.opaque = true })
		l.markAbove(dir)
	case strings.HasPrefix(base, whiteout):
		l.mark(gone, func(n *node) { n.gone = true })
		l.markAbove(gone)
	default:
		name := e.Path
		if to := l.nodes[path.Join("/", e.Linkname)]; e.Type == tar.TypeLink && to.explicit {
			e = to.Entry // it stays what it is now, whatever takes that path later
		}
		if e.Type != tar.TypeDir {
			l.drop(name)
		}
		l.connect(name)
		l.markAbove(name)
		l.mark(name, func(n *node) { n.Entry, n.explicit = e, true })
	}
	return l.spent.hold(e)
}

// markAbove notes, in the directories above a path, that there is something below.
func (l *layer) markAbove(name string) {
	for name != "/" {
		name = path.Dir(name)
		if l.nodes[name].below {
			return
		}
		l.mark(name, func(n *node) { n.below = true })
	}
}

// connect notes, above a path that there will be an entry at, that there is one below.
func (l *layer) connect(name string) {
	for known := l.nodes[name].known(); !known && name != "/"; {
		dir := path.Dir(name)
		known = l.nodes[dir].known()
		l.mark(dir, func(n *node) { n.children = append(n.children, name) })
		name = dir
	}
}

// drop forgets the entries below a path.
func (l *layer) drop(name string) {
	children := l.nodes[name].children
	if len(children) == 0 {
		return
	}
	for _, child := range children {
		l.drop(child)
		l.mark(child, func(n *node) { n.Entry, n.explicit = Entry{}, false })
	}
	l.mark(name, func(n *node) { n.children = nil })
}

func (l *layer) mark(name string, set func(*node)) {
	n, ok := l.nodes[name]
	if !ok {
		l.spent.entries++
	}
	set(&n)
	l.nodes[name] = n
	l.hidden = nil
}

// hides reports whether the layer, which is listed and holds no entry for name itself,
// removes what lower layers have there.
func (l *layer) hides(name string) bool {
	return l.nodes[name].gone || name != "/" && l.hidesBelow(path.Dir(name))
}

// hidesBelow reports whether the layer removes what lower layers have in a directory.
func (l *layer) hidesBelow(dir string) bool {
	if hidden, known := l.hidden[dir]; known {
		return hidden
	}
	n := l.nodes[dir]
	hidden := n.gone || n.opaque || n.explicit && n.Type != tar.TypeDir || dir != "/" && l.hidesBelow(path.Dir(dir))
	if l.hidden == nil {
		l.hidden = map[string]bool{}
	}
	l.hidden[dir] = hidden
	return hidden
}

// open returns what a regular file of the layer holds. It reads on from the file that was
// opened last, or from the beginning if that stands behind.
func (l *layer) open(e Entry) (r io.Reader, err error) {
	if l.stream == nil || l.stream.read > e.at {
		if err = l.close(); err == nil {
			l.stream, err = l.newStream()
		}
	}
	for err == nil {
		if _, err = l.stream.next(); err == nil && l.stream.read > e.at {
			return l.stream.tar, nil
		}
	}
	return nil, l.fail(err)
}

func (l *layer) close() (err error) {
	if l.stream != nil {
		err = l.stream.Close()
		l.stream = nil
	}
	return err
}

func (l *layer) newStream() (*stream, error) {
	rc, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	bounded := limits.Layer.Reader(rc)
	return &stream{Reader: bounded, Closer: rc, tar: tar.NewReader(bounded)}, nil
}

// A stream is a layer being read.
type stream struct {
	io.Reader
	io.Closer
	tar   *tar.Reader
	read  int   // entries
	names int64 // bytes in the headers so far
}

func (s *stream) next() (Entry, error) {
	h, err := s.tar.Next()
	if err != nil {
		return Entry{}, err
	}
	if err := s.check(h); err != nil {
		return Entry{}, err
	}
	s.read++
	e := Entry{Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid}
	if h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink {
		e.Linkname = h.Linkname
	}
	return e, nil
}

// check refuses names that no file system takes, and more of them than there may be,
// what extended headers say included.
func (s *stream) check(h *tar.Header) error {
	for _, name := range []string{h.Name, h.Linkname} {
		if err := limits.Path.Check(int64(len(name)) + 1); err != nil {
			return fmt.Errorf("%.60q…: %w", name, err)
		}
	}
	s.names += int64(len(h.Name) + len(h.Linkname))
	for key, value := range h.PAXRecords {
		s.names += int64(len(key) + len(value))
	}
	return limits.Names.Check(s.names)
}
