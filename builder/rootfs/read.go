package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/ko-health/kohealth/builder/limits"
)

// ReadFile returns what a regular file holds, links followed, within a limit. It is kept beside the listing of the file's layer.
func (f *FS) ReadFile(name string, limit limits.Limit) ([]byte, error) {
	data, err := f.readFile(name, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %q of the base image: %w", name, err)
	}
	return data, nil
}

func (f *FS) readFile(name string, limit limits.Limit) ([]byte, error) {
	e, depth, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	l := f.layers[depth]
	if e.Type != tar.TypeReg || l.Layer == nil {
		return nil, errors.New("it is not a file of the image")
	}
	key := fmt.Sprintf("%s-%d", l.digest, e.at)
	if data, ok := f.dir.Get(key); ok && l.digest != "" && limit.Check(int64(len(data))) == nil {
		return data, nil
	}
	data, err := l.read(e, limit)
	if err == nil && l.digest != "" {
		_ = f.dir.Put(key, data) // it is only slower without
	}
	return data, err
}

// read reads a file out of the layer, all of which it reads: its digests are checked at
// the end.
func (l *layer) read(e Entry, limit limits.Limit) (data []byte, err error) {
	s, err := l.newStream()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for n := 0; ; n++ {
		_, err := s.next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, s)
			return data, err
		}
		if err != nil {
			return nil, err
		}
		if n != e.at {
			continue
		}
		if data, err = limit.ReadAll(s.tar); err != nil {
			return nil, err
		}
	}
}
