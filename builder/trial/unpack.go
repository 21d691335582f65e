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

// An App is what ko has just built, without anything of the base image but its config. What
// a history says of layers anybody can write into a base.
type App struct {
	Layers []v1.Layer // that ko has made: the program and its data
	Config v1.Config  // as ko has made it of the base's
}

// Where ko puts the app and its data: pkg/build/gobuild.go.
const (
	appDir  = "/ko-app"
	dataDir = "/var/run/ko"
)

// unpack writes the app and its data to where they are in the image, below a directory.
func (a App) unpack(root *os.Root) error {
	for _, l := range a.Layers {
		if err := unpackLayer(l, root); err != nil {
			return fmt.Errorf("unpacking the app: %w", err)
		}
	}
	return nil
}

// program returns the path of the app's program in the image, which was unpacked.
func (a App) program(root *os.Root) (string, error) {
	var program string
	if len(a.Config.Entrypoint) > 0 {
		program = path.Clean(a.Config.Entrypoint[0])
	}
	if path.Dir(program) != appDir {
		return "", fmt.Errorf("the image starts %q, which is not an app of ko's", program)
	}
	if info, err := root.Stat(program[1:]); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the image starts %q, which ko has not built", program)
	}
	return program, nil
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
