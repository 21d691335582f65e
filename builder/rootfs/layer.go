package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/verified"
)

// A layer is what is known of a layer so far.
type layer struct {
	v1.Layer        // nil of what was put over a file system
	digest   string // that what was read of it was held against
	nodes    map[string]node
	listed   bool    // nodes holds everything
	stream   *stream // of the file that was opened last
}

// A node is what a layer says of a path.
type node struct {
	Entry
	explicit bool     // there is an entry
	children []string // the paths right below that there are entries at or below
	gone     bool     // there is a whiteout: what lies below in lower layers is removed
	opaque   bool     // a directory that shows nothing of lower layers
}

// implied reports whether there are entries below.
func (n node) implied() bool { return len(n.children) > 0 }

// known reports whether there are entries at or below.
func (n node) known() bool { return n.explicit || n.implied() }

// Limits of a layer. Longer paths, and links to such, cannot be in a file system: limits.h.
const (
	maxPath    = 4096
	maxEntries = 2_000_000
)

var errTooMany = fmt.Errorf("more than %d entries", maxEntries)

func newLayer(l v1.Layer) *layer {
	return &layer{Layer: verified.Layer(l), nodes: map[string]node{}}
}

// find returns what the layer says of a path. It reads all of the layer: of equal names
// the last counts.
func (l *layer) find(name string) (node, error) {
	if l.listed {
		return l.nodes[name], nil
	}
	entries, err := scan(l)
	if err != nil {
		return node{}, l.fail(err)
	}
	l.addAll(entries)
	return l.nodes[name], nil
}

func (l *layer) addAll(entries []Entry) {
	for i, e := range entries {
		e.at = i
		l.add(e)
	}
	l.listed = true
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
func (l *layer) add(e Entry) {
	if len(e.Path) > maxPath || len(e.Linkname) > maxPath || e.Path == "/" || e.Type == tar.TypeXGlobalHeader {
		return
	}
	dir, base := path.Split(e.Path)
	dir = path.Clean(dir)
	switch gone := path.Join(dir, strings.TrimPrefix(base, whiteout)); {
	case base == opaque:
		l.mark(dir, func(n *node) { n.opaque = true })
	case strings.HasPrefix(base, whiteout):
		l.mark(gone, func(n *node) { n.gone = true })
	default:
		name := e.Path
		if to := l.nodes[path.Join("/", e.Linkname)]; e.Type == tar.TypeLink && to.explicit {
			e = to.Entry // it stays what it is now, whatever takes that path later
		}
		if e.Type != tar.TypeDir {
			l.drop(name)
		}
		l.connect(name)
		l.mark(name, func(n *node) { n.Entry, n.explicit = e, true })
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
	n := l.nodes[name]
	set(&n)
	l.nodes[name] = n
}

// hides tells whether the layer, which holds no entry for name itself, removes what
// lower layers have there.
func (l *layer) hides(name string) bool {
	if l.nodes[name].gone {
		return true
	}
	for name != "/" {
		name = path.Dir(name)
		n := l.nodes[name]
		if n.gone || n.opaque || n.explicit && n.Type != tar.TypeDir {
			return true
		}
	}
	return false
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
	return &stream{ReadCloser: rc, tar: tar.NewReader(rc)}, nil
}

// A stream is a layer being read.
type stream struct {
	io.ReadCloser
	tar  *tar.Reader
	read int // entries
}

func (s *stream) next() (Entry, error) {
	h, err := s.tar.Next()
	if err != nil {
		return Entry{}, err
	}
	s.read++
	e := Entry{Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid}
	if h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink {
		e.Linkname = h.Linkname
	}
	return e, nil
}
