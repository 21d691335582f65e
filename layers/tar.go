package layers

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A File is one entry of a layer: a directory, a symbolic link or a regular file.
type File struct {
	Path     string      // absolute, clean, slash-separated: "/usr/bin/healthcheck"
	Mode     fs.FileMode // permissions plus fs.ModeDir, ModeSymlink, ModeSetuid, ModeSetgid, ModeSticky
	UID, GID int         // numeric owner; a layer holds no names of users
	Linkname string      // a symbolic link's target, as it is written there; of a regular file the path of the one that it is a hard link to
	Content  []byte      // what a regular file holds

	windows bool // in the form of ForWindows
}

// Layer returns the files as a gzip-compressed layer of the media type, which is
// [types.OCILayer] or [types.DockerLayer]. Entries are sorted by path and dated to the
// Unix epoch, so that the same files in any order give the same digest. The layer
// keeps its compressed bytes in memory.
func Layer(files []File, mediaType types.MediaType) (v1.Layer, error) {
	var tar bytes.Buffer
	if err := writeTar(&tar, files); err != nil {
		return nil, fmt.Errorf("making layer: %w", err)
	}
	compressed, err := compress(tar.Bytes())
	if err != nil {
		return nil, fmt.Errorf("making layer: %w", err)
	}
	return gzipLayer(sha256Of(tar.Bytes()), compressed, mediaType)
}

// compress compresses at the default level: the best one takes four to nine times as
// long for one percent less.
func compress(tar []byte) ([]byte, error) {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(tar); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// gzipLayer returns what compress has made of a tar stream, whose digest is the diffID,
// as a layer.
func gzipLayer(diffID v1.Hash, compressed []byte, mediaType types.MediaType) (v1.Layer, error) {
	if mediaType != types.OCILayer && mediaType != types.DockerLayer {
		return nil, fmt.Errorf("making layer: unsupported media type %q", mediaType)
	}
	return partial.CompressedToLayer(&memoryLayer{
		compressed: compressed,
		digest:     sha256Of(compressed),
		diffID:     diffID,
		mediaType:  mediaType,
	})
}

func sha256Of(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// A memoryLayer holds a layer's bytes and what would else be computed from them time
// and again. It is a [partial.CompressedLayer] and a [partial.WithDiffID]; package
// tarball's layers would put empty annotations into manifests, which do not survive
// being written and read.
type memoryLayer struct {
	compressed     []byte
	digest, diffID v1.Hash
	mediaType      types.MediaType
}

func (l *memoryLayer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *memoryLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *memoryLayer) Size() (int64, error)                { return int64(len(l.compressed)), nil }
func (l *memoryLayer) MediaType() (types.MediaType, error) { return l.mediaType, nil }

func (l *memoryLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.compressed)), nil
}

// writeTar writes the files in the order of their paths, which puts every directory
// before what it holds.
func writeTar(w io.Writer, files []File) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int {
		return strings.Compare(a.Path, b.Path)
	})
	tw := tar.NewWriter(w)
	written := map[string]bool{}
	for i, f := range files {
		if i > 0 && f.Path == files[i-1].Path {
			return fmt.Errorf("adding %q: duplicate path", f.Path)
		}
		if f.isHardLink() && !written[f.Linkname] {
			return fmt.Errorf("adding %q: it is a hard link to %q, which is not before it", f.Path, f.Linkname)
		}
		written[f.Path] = f.Mode.IsRegular()
		if err := f.write(tw); err != nil {
			return fmt.Errorf("adding %q: %w", f.Path, err)
		}
	}
	return tw.Close()
}

func (f File) write(tw *tar.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := tw.WriteHeader(f.header()); err != nil {
		return err
	}
	_, err := tw.Write(f.Content)
	return err
}

// check refuses what a layer cannot hold or what would mean something else there.
// Names that begin with ".wh." delete files of the layers below:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
func (f File) check() error {
	const known = fs.ModePerm | fs.ModeDir | fs.ModeSymlink | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	isLink := f.Mode&fs.ModeSymlink != 0
	switch {
	case !path.IsAbs(f.Path):
		return errors.New("path is not absolute")
	case f.Path != path.Clean(f.Path) || f.Path == "/":
		return errors.New("path is not clean")
	case strings.HasPrefix(path.Base(f.Path), ".wh."):
		return errors.New("name is reserved for whiteouts")
	case f.Mode&^known != 0 || isLink && f.Mode.IsDir():
		return fmt.Errorf("unsupported mode %v", f.Mode)
	case isLink && f.Linkname == "", f.Mode.IsDir() && f.Linkname != "":
		return fmt.Errorf("mode %v with link target %q", f.Mode, f.Linkname)
	case (!f.Mode.IsRegular() || f.isHardLink()) && len(f.Content) > 0:
		return fmt.Errorf("mode %v with content", f.Mode)
	}
	return nil
}

func (f File) isHardLink() bool { return f.Mode.IsRegular() && f.Linkname != "" }

// header describes the file in the form that everything reads: USTAR, with PAX
// records only for what USTAR has no room for, such as a very long path.
func (f File) header() *tar.Header {
	h := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     strings.TrimPrefix(f.Path, "/"),
		Linkname: f.Linkname,
		Size:     int64(len(f.Content)),
		Mode:     int64(f.Mode.Perm()),
		Uid:      f.UID,
		Gid:      f.GID,
		ModTime:  time.Unix(0, 0),
		Format:   tar.FormatPAX,
	}
	switch {
	case f.Mode.IsDir():
		h.Typeflag = tar.TypeDir
		h.Name += "/"
	case f.Mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
	case f.isHardLink():
		h.Typeflag = tar.TypeLink
		h.Linkname = strings.TrimPrefix(f.Linkname, "/")
	}
	if f.windows {
		h.Name = strings.TrimSuffix(h.Name, "/") // as ko writes directories
	}
	if f.windows && f.Mode.IsRegular() {
		h.PAXRecords = map[string]string{"MSWINDOWS.rawsd": securityDescriptor()}
	}
	for bit, mode := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if f.Mode&bit != 0 {
			h.Mode |= mode
		}
	}
	return h
}
