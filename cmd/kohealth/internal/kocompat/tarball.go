package kocompat

import (
	"errors"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/layers/cache"
)

// wholeTarball has ko's publisher write its tarball beside the file that is asked for,
// and gives it its name once it is whole.
type wholeTarball struct {
	publish.Interface
	beside, file string
}

// SetTarball refuses a tarball that cannot be written, and has po name the file beside
// it. It returns nil where no tarball is written, or where nothing can be put beside it:
// a device, or a file that may be written in a directory that may not.
func SetTarball(po *options.PublishOptions) (*wholeTarball, error) {
	if po.TarballFile == "" || po.Local || strings.HasPrefix(po.DockerRepo, publish.LocalDomain) || strings.HasPrefix(po.DockerRepo, publish.KindDomain) {
		return nil, nil
	}
	if info, err := os.Stat(po.TarballFile); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, nil
	}
	file, err := files.Writable("--tarball", po.TarballFile)
	if err != nil {
		if f, opening := os.OpenFile(po.TarballFile, os.O_WRONLY, 0); opening == nil {
			return nil, f.Close()
		}
		return nil, err
	}
	t := &wholeTarball{beside: cache.TempName(filepath.Dir(file)), file: file}
	po.TarballFile = t.beside
	return t, nil
}

// Abandon removes what there is of a tarball, if one is written.
func (t *wholeTarball) Abandon() {
	if t != nil {
		_ = os.Remove(t.beside) // it may not be there
	}
}

// Close implements publish.Interface. ko says what it saves; that is the file.
func (t *wholeTarball) Close() (err error) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(&replacing{log.Writer(), strings.NewReplacer(t.beside, t.file)})
	defer func() {
		if err != nil {
			t.Abandon()
		}
	}()
	release, err := cache.Create(t.beside)
	if err == nil {
		defer release()
		err = t.Interface.Close()
	}
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) && at.Path == t.beside {
			at.Path = t.file
		}
		return err
	}
	if info, err := os.Stat(t.file); err == nil {
		if err := os.Chmod(t.beside, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return os.Rename(t.beside, t.file)
}

// replacing is a writer that replaces words in what is written.
type replacing struct {
	io.Writer
	replacer *strings.Replacer
}

// Write implements [io.Writer]. What is written at once stays a message.
func (w *replacing) Write(data []byte) (int, error) {
	_, err := io.WriteString(w.Writer, w.replacer.Replace(string(data)))
	return len(data), err
}
