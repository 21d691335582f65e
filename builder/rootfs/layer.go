package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/limits"
)

// A layer is what is known of a layer so far.
type layer struct {
	v1.Layer
	spent  *spent
	nodes  map[string]node
	hidden map[string]bool // directories that hides was asked about, if listed
	stream *stream         // nil before the first entry is asked for
	again  *stream         // for files that stream has passed
	listed bool            // nodes holds everything
}

// A node is what a layer says of a path.
type node struct {
	Entry
	explicit bool // there is an entry
	implied  bool // there are entries below it
	below    bool // there are entries or whiteouts below it
	gone     bool // there is a whiteout: what lies below in lower layers is removed
	opaque   bool // a directory that shows nothing of lower layers
}

// spent is how much of an image was read, all its layers together.
type spent struct{ entries, names, lookups int64 }

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
	return limits.Lookups.Check(s.lookups)
}

// find returns what the layer says of a path. It reads on until there is an entry.
func (l *layer) find(name string) (node, error) {
	if err := l.spent.look(name); err != nil {
		return node{}, err
	}
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
	if err := l.add(e); err != nil {
		return l.fail(err)
	}
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
func (l *layer) add(e Entry) error {
	dir, base := path.Split(e.Path)
	dir = path.Clean(dir)
	switch gone := path.Join(dir, strings.TrimPrefix(base, whiteout)); {
	case base == opaque:
		l.mark(dir, func(n *node) { n.opaque = true })
		l.markAbove(dir, false)
	case strings.HasPrefix(base, whiteout):
		l.mark(gone, func(n *node) { n.gone = true })
		l.markAbove(dir, false)
	case !l.nodes[e.Path].explicit:
		l.mark(e.Path, func(n *node) { n.Entry, n.explicit = e, true })
		l.markAbove(dir, true)
	}
	return l.spent.hold(e)
}

// markAbove notes in a directory and those above it that there is something below.
func (l *layer) markAbove(dir string, implied bool) {
	for {
		if n := l.nodes[dir]; n.below && (n.implied || !implied) {
			return
		}
		l.mark(dir, func(n *node) { n.below, n.implied = true, n.implied || implied })
		dir = path.Dir(dir)
	}
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

// hides tells whether the layer, which is listed and holds no entry for name itself,
// removes what lower layers have there.
func (l *layer) hides(name string) bool {
	return l.nodes[name].gone || name != "/" && l.hidesBelow(path.Dir(name))
}

// hidesBelow tells whether the layer removes what lower layers have in a directory.
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
	bounded := limits.Layer.Reader(rc)
	return &stream{Reader: bounded, Closer: rc, tar: tar.NewReader(bounded)}, nil
}

// A stream is a layer being read.
type stream struct {
	io.Reader
	io.Closer
	tar   *tar.Reader
	names int64  // bytes in the headers so far
	at    string // the entry whose content comes next
}

func (s *stream) next() (Entry, error) {
	s.at = ""
	h, err := s.tar.Next()
	if err != nil {
		return Entry{}, err
	}
	if err := s.check(h); err != nil {
		return Entry{}, err
	}
	e := Entry{Path: path.Join("/", h.Name), Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid}
	if h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink {
		e.Linkname = h.Linkname
	}
	s.at = e.Path
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

// take tells whether the content of name comes next; it can be taken once.
func (s *stream) take(name string) bool {
	ok := s.at == name
	if ok {
		s.at = ""
	}
	return ok
}
