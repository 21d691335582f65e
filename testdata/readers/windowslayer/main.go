//go:build windows

// Command windowslayer reads a layer from stdin as containerd and Docker do on Windows, with
// hcsshim. For each entry it prints a line of JSON: what Windows gets to write. Then it has
// the layer imported into the directory that is its argument, upon an empty one.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/Microsoft/go-winio"
	"github.com/Microsoft/go-winio/backuptar"
	"github.com/Microsoft/hcsshim/pkg/ociwclayer"
)

// An entry is a file or a directory as hcsshim reads it.
type entry struct {
	Name       string
	Attributes uint32
	Security   string // security descriptor, in hexadecimal
	Data       string
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	layer, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := show(layer); err != nil {
		return err
	}
	parent := filepath.Join(dir, "parent")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	_, err = ociwclayer.ImportLayerFromTar(context.Background(), bytes.NewReader(layer), filepath.Join(dir, "layer"), []string{parent})
	return err
}

func show(layer []byte) error {
	t := tar.NewReader(bytes.NewReader(layer))
	header, err := t.Next()
	for err == nil {
		var e entry
		var info *winio.FileBasicInfo
		if e.Name, _, info, err = backuptar.FileInfoFromHeader(header); err != nil {
			return err
		}
		e.Attributes = info.FileAttributes
		var stream bytes.Buffer
		if header, err = backuptar.WriteBackupStreamFromTarFile(&stream, t, header); err != nil && err != io.EOF {
			return err
		}
		if failed := e.read(&stream); failed != nil {
			return failed
		}
		if failed := json.NewEncoder(os.Stdout).Encode(e); failed != nil {
			return failed
		}
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// read reads a stream of BackupWrite.
func (e *entry) read(stream io.Reader) error {
	for r := winio.NewBackupStreamReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		switch {
		case err != nil:
			return err
		case h.Id == winio.BackupSecurity:
			e.Security = hex.EncodeToString(data)
		case h.Id == winio.BackupData:
			e.Data = string(data)
		}
	}
}
