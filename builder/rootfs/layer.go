package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A layer is what is known of a layer so far.
type layer struct {
	v1.Layer
	nodes  map[string]node
	stream *stream // nil before the first entry is asked for
	again  *stream // for files that stream has passed
	listed bool    // nodes holds everything
}

// A node is what a layer says of a path.
type node struct {
	Entry
	explicit bool // there is an entry
	implied  bool // there are entries below it
	gone     bool // there is a whiteout: what lies below in lower layers is removed
	opaque   bool // a directory that shows nothing of lower layers
}

// Limits of a layer. Longer paths, and links to such, cannot be in a file system: limits.h.
const (
	maxPath    = 4096
	maxEntries = 2_000_000
)

var errTooMany = fmt.Errorf("more than %d entries", maxEntries)

// find returns what the layer says of a path. It reads on until there is an entry.
func (l *layer) find(name string) (node, error) {
	for {
		n := l.nodes[name]
		if n.explicit || l.listed {
			return n, nil
		}
		if err := l.readOn(); err != nil {
			return node{}, err
		}
	}
}

// readOn reads one entry more.
func (l *layer) readOn() (err error) {
	if l.stream == nil {
		if l.stream, err = l.newStream(); err != nil {
			return l.fail(err)
		}
	}
	e, err := l.stream.next()
	if errors.Is(err, io.EOF) {
		l.listed = true
		return nil
	}
	if err != nil {
		return l.fail(err)
	}
	if len(l.nodes) >= maxEntries {
		return l.fail(errTooMany)
	}
	l.add(e)
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

// add notes an entry. Whiteouts act on the layers below only, wherever they stand in
// their own.
func (l *layer) add(e Entry) {
	if len(e.Path) > maxPath || len(e.Linkname) > maxPath {
		return
	}
	dir, base := path.Split(e.Path)
	dir = path.Clean(dir)
	switch gone := path.Join(dir, strings.TrimPrefix(base, whiteout)); {
	case base == opaque:
		l.mark(dir, func(n *node) { n.opaque = true })
	case strings.HasPrefix(base, whiteout):
		l.mark(gone, func(n *node) { n.gone = true })
	case !l.nodes[e.Path].explicit:
		l.mark(e.Path, func(n *node) { n.Entry, n.explicit = e, true })
		for ; !l.nodes[dir].implied; dir = path.Dir(dir) {
			l.mark(dir, func(n *node) { n.implied = true })
		}
	}
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

// open returns what a regular file of the layer holds.
func (l *layer) open(name string) (io.Reader, error) {
	if l.stream != nil && l.stream.take(name) {
		return l.stream.tar, nil
	}
	var err error
	if l.again != nil {
		err = l.again.Close()
	}
	if err == nil {
		l.again, err = l.newStream()
	}
	for err == nil {
		if _, err = l.again.next(); err == nil && l.again.take(name) {
			return l.again.tar, nil
		}
	}
	return nil, l.fail(err)
}

func (l *layer) close() error {
	var errs []error
	for _, s := range []*stream{l.stream, l.again} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	l.stream, l.again = nil, nil
	return errors.Join(errs...)
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
	tar *tar.Reader
	at  string // the entry whose content comes next
}

func (s *stream) next() (Entry, error) {
	s.at = ""
	h, err := s.tar.Next()
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid}
	if h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink {
		e.Linkname = h.Linkname
	}
	s.at = e.Path
	return e, nil
}

// take tells whether the content of name comes next; it can be taken once.
func (s *stream) take(name string) bool {
	ok := s.at == name
	if ok {
		s.at = ""
	}
	return ok
}
