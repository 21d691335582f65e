package trial

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Where ko puts the app and its data: pkg/build/gobuild.go.
const (
	appDir  = "/ko-app"
	dataDir = "/var/run/ko"
)

// koAuthor stands in the history beside the layers that ko has added.
const koAuthor = "ko"

// unpack writes the app and its data from an image to where they are in the image, below
// a directory. Only ko's own layers are read, which are not in a registry yet.
func unpack(img v1.Image, root *os.Root) error {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	for _, h := range config.History {
		if h.EmptyLayer || len(layers) == 0 {
			continue
		}
		if h.Author == koAuthor {
			if err := unpackLayer(layers[0], root); err != nil {
				return fmt.Errorf("unpacking the app: %w", err)
			}
		}
		layers = layers[1:]
	}
	return nil
}

func unpackLayer(layer v1.Layer, root *os.Root) (err error) {
	rc, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean("/" + h.Name)
		switch {
		case !strings.HasPrefix(name+"/", appDir+"/") && !strings.HasPrefix(name+"/", dataDir+"/"):
		case h.Typeflag == tar.TypeDir:
			err = root.MkdirAll(name[1:], 0o755)
		case h.Typeflag == tar.TypeReg:
			err = writeFile(root, name[1:], tr, os.FileMode(h.Mode).Perm())
		}
		if err != nil {
			return err
		}
	}
}

// writeFile writes a file, in the place of one of a layer below.
func writeFile(root *os.Root, name string, content io.Reader, mode os.FileMode) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
