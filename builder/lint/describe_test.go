package lint_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// describe makes an image of a description, a line for each thing in it:
//
//	platform linux/arm64          default linux/amd64
//	format oci                    default docker
//	made by ko                    an entry of the history
//	config {"User": "65532"}      JSON, as in an image's config; StartInterval, too
//	layer                         what follows is in the next layer, lowest first
//	/usr/bin/ 0700                a directory
//	/usr/bin/curl elf amd64       a binary for that processor
//	/app elf amd64 loader=/lib/ld.so needs=libc.so.6,libz.so.1 runpath=$ORIGIN/lib
//	/run.sh text #!/bin/sh        a file with this line
//	/run.sh 0700:1:1 text x       the same with mode and owner; default 0755, root
//	/bin -> usr/bin               a symbolic link
//	/bin/sh => /bin/busybox       a hard link
func describe(description string) (v1.Image, error) {
	d := describer{config: v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}},
		media: types.DockerManifestSchema2, inner: "{}"}
	for line := range strings.Lines(description) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := d.line(line); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return d.image()
}

type describer struct {
	config v1.ConfigFile
	inner  string
	media  types.MediaType
	layers []*bytes.Buffer
	tar    *tar.Writer
}

func (d *describer) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "platform":
		p, err := v1.ParsePlatform(rest)
		d.config.OS, d.config.Architecture = p.OS, p.Architecture
		return err
	case "format":
		if rest == "oci" {
			d.media = types.OCIManifestSchema1
		}
		return nil
	case "made":
		d.config.History = append(d.config.History, v1.History{Author: strings.TrimPrefix(rest, "by "), EmptyLayer: true})
		return nil
	case "config":
		d.inner = rest
		return nil
	case "layer":
		if d.tar != nil {
			if err := d.tar.Close(); err != nil {
				return err
			}
		}
		d.layers = append(d.layers, &bytes.Buffer{})
		d.tar = tar.NewWriter(d.layers[len(d.layers)-1])
		return nil
	}
	return d.entry(word, rest)
}

func (d *describer) entry(name, rest string) error {
	h := tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o755, Typeflag: tar.TypeReg}
	if first, after, _ := strings.Cut(rest, " "); strings.HasPrefix(first, "0") {
		var owner string
		first, owner, _ = strings.Cut(first, ":")
		mode, err := strconv.ParseInt(first, 8, 32)
		if err != nil {
			return err
		}
		h.Mode = mode
		fmt.Sscanf(owner, "%d:%d", &h.Uid, &h.Gid)
		rest = after
	}
	kind, rest, _ := strings.Cut(rest, " ")
	var content []byte
	switch kind {
	case "->":
		h.Typeflag, h.Linkname = tar.TypeSymlink, rest
	case "=>":
		h.Typeflag, h.Linkname = tar.TypeLink, strings.TrimPrefix(rest, "/")
	case "elf":
		content = describeELF(strings.Fields(rest))
	case "text":
		content = []byte(strings.ReplaceAll(rest, `\n`, "\n") + "\n")
	case "":
		if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
	default:
		return fmt.Errorf("unknown kind %q", kind)
	}
	h.Size = int64(len(content))
	if err := d.tar.WriteHeader(&h); err != nil {
		return err
	}
	_, err := d.tar.Write(content)
	return err
}

func describeELF(words []string) []byte {
	e := elfFile{arch: words[0]}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "loader":
			e.loader = value
		case "needs":
			e.needs = strings.Split(value, ",")
		case "runpath":
			e.runpath = value
		}
	}
	return e.bytes()
}

func (d *describer) image() (v1.Image, error) {
	img := mutate.MediaType(empty.Image, d.media)
	img, err := mutate.ConfigFile(img, &d.config)
	if err != nil {
		return nil, err
	}
	if d.tar != nil {
		if err := d.tar.Close(); err != nil {
			return nil, err
		}
	}
	for _, data := range d.layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data.Bytes())), nil })
		if err != nil {
			return nil, err
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			return nil, err
		}
	}
	return withInner(img, d.inner)
}

// configured is an image with a config of its own bytes.
type configured struct {
	v1.Image
	config []byte
}

func (c configured) RawConfigFile() ([]byte, error) { return c.config, nil }
func (c configured) ConfigFile() (*v1.ConfigFile, error) {
	return v1.ParseConfigFile(bytes.NewReader(c.config))
}

func withInner(img v1.Image, inner string) (v1.Image, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	file := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	file["config"] = json.RawMessage(inner)
	if raw, err = json.Marshal(file); err != nil {
		return nil, err
	}
	return configured{img, raw}, nil
}

func base(name string) string { return strings.TrimSuffix(path.Base(name), path.Ext(name)) }
