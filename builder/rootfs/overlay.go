package rootfs

import (
	"archive/tar"
	"io/fs"
)

// Clone returns a copy that can be changed, of a file system that [Read] has read.
func (f *FS) Clone() *FS {
	over := &layer{nodes: map[string]node{}, spent: f.spent, listed: true}
	return &FS{layers: append([]*layer{over}, f.layers...), links: f.links.clone(), spent: f.spent, dir: f.dir}
}

// Put puts a file, directory or symbolic link at a path of a [FS.Clone], whose
// directory has to be there.
func (f *FS) Put(name string, mode fs.FileMode, linkname string) {
	e := Entry{Path: name, Type: tar.TypeReg, Mode: int64(mode.Perm())}
	switch {
	case mode.IsDir():
		e.Type = tar.TypeDir
	case mode&fs.ModeSymlink != 0:
		e.Type, e.Linkname = tar.TypeSymlink, linkname
	}
	if e.Type == tar.TypeSymlink || f.led[name].links > 0 {
		f.forget() // where paths lead to that lead through it
	}
	f.layers[0].mark(name, func(n *node) { n.Entry, n.explicit = e, true })
}
