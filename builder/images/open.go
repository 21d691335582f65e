// Package images opens an image for reading, wherever it is. One string says where,
// and the first of these that fits counts:
//
//	docker-daemon:app:v1       the Docker engine that DOCKER_HOST names, or the local one
//	docker://example.com/app   a registry
//	app.tar                    an existing file: a tarball of docker save or ko --tarball
//	app.tar:example.com/app:v1   the image with that tag, where a tarball has several
//	out                        an existing directory with an index.json: an OCI layout
//	out:v1, out@sha256:…       the image with that org.opencontainers.image.ref.name, or digest
//	ko.local/app               the Docker engine, into which ko build --local loads
//	example.com/app:v1         a registry
//
// The prefixes are those of skopeo. What begins with / or . can only be a path.
//
// An image for several platforms is opened for one: the platform that is asked for, else
// linux/amd64, else the first for Linux, else the first.
package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// Options say how images are opened.
type Options struct {
	Platform *v1.Platform    // the image has to be for it; nil is the package's choice
	Name     []name.Option   // for references
	Remote   []remote.Option // for registries
}

// An Image is an image of one platform.
type Image struct {
	v1.Image
	Name      string         // as it was asked for
	Reference string         // by which registries or the engine know it; "" in a file
	Platform  v1.Platform    // that it is for
	Health    *health.Config // its check; nil if it has none
	close     func() error
}

// Close removes what reading the image has left on disk. The image's layers cannot be
// read afterwards.
func (i *Image) Close() error {
	if i.close == nil {
		return nil
	}
	return i.close()
}

// Schemes that say where an image is.
const (
	daemonScheme   = "docker-daemon:"
	registryScheme = "docker://"
)

// LocalDomain is the registry in the names of images that ko loads into the Docker
// engine.
const LocalDomain = "ko.local"

// kindDomain is that of images that ko loads into the nodes of kind.
const kindDomain = "kind.local"

// A source is an image of one platform, or several of them to choose from.
type source struct {
	image     v1.Image
	index     v1.ImageIndex
	reference string
	config    func() ([]byte, error) // where it can be had with less work than image.RawConfigFile
	known     v1.Hash                // by which an engine knows it; empty if it does not say
	partial   bool                   // an engine keeps an index, and gives one image of it
	close     func() error
}

// New opens the image that ref names. Its layers are read when they are asked for.
func New(ctx context.Context, ref string, o Options) (*Image, error) {
	img, err := o.open(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("opening image %q: %w", Redact(ref), err)
	}
	return img, nil
}

func (o Options) open(ctx context.Context, ref string) (*Image, error) {
	src, err := o.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	img := &Image{Name: ref, Reference: src.reference, close: src.close}
	if err := o.fill(img, src); err != nil {
		return nil, errors.Join(err, img.Close())
	}
	return img, nil
}

// find tells the places apart.
func (o Options) find(ctx context.Context, ref string) (*source, error) {
	if rest, ok := strings.CutPrefix(ref, daemonScheme); ok {
		return o.fromDaemon(ctx, rest)
	}
	if rest, ok := strings.CutPrefix(ref, registryScheme); ok {
		return o.fromRegistry(ctx, rest)
	}
	if p, ok := findPath(ref); ok {
		if p.dir {
			return fromLayout(p)
		}
		return fromTarball(p)
	}
	switch importpath, isImportPath := strings.CutPrefix(ref, "ko://"); {
	case isImportPath:
		return nil, hint.With(errors.New("an import path is no image"), "kohealth build "+importpath+" makes one, with a check, and prints its reference")
	case ref == "":
		return nil, hint.With(errors.New("the name is empty"), "name an image, such as example.com/app:v1")
	case filepath.IsAbs(ref) || strings.HasPrefix(ref, "."):
		err := errors.New("no such file, nor a directory with an index.json")
		if info, statErr := os.Stat(ref); statErr == nil && info.IsDir() {
			err = hint.With(err, "kohealth build "+ref+" makes an image of a Go program, and prints its reference")
		}
		return nil, err
	case strings.HasPrefix(ref, LocalDomain+"/"):
		return o.fromDaemon(ctx, ref)
	case strings.HasPrefix(ref, kindDomain+"/"):
		return nil, hint.With(errors.New("images in the nodes of kind cannot be read"), "build it with --push=false --tarball=app.tar and name app.tar")
	}
	return o.fromRegistry(ctx, ref)
}

// A place is an image in the file system.
type place struct {
	path     string
	dir      bool
	selector string // what follows path: ":" or "@" and which image; "" is the only one
}

// findPath splits a path that exists from what may follow it. Names of files and
// directories may hold colons, so the longest counts.
func findPath(ref string) (place, bool) {
	for end := len(ref); end > 0; end = strings.LastIndexAny(ref[:end], ":@") {
		p := place{path: ref[:end], selector: ref[end:]}
		info, err := os.Stat(p.path)
		switch {
		case err != nil:
		case info.Mode().IsRegular():
			return p, true
		case info.IsDir():
			if _, err := os.Stat(filepath.Join(p.path, "index.json")); err == nil {
				p.dir = true
				return p, true
			}
		}
	}
	return place{}, false
}

// fill chooses the platform and reads the config.
func (o Options) fill(img *Image, src *source) (err error) {
	img.Image = src.image
	if src.index != nil {
		if img.Image, err = o.choose(src.index); err != nil {
			return err
		}
	}
	config := src.config
	if config == nil {
		config = img.RawConfigFile
	}
	raw, err := config()
	if err != nil {
		return fmt.Errorf("reading config: %w", explain(err))
	}
	if img.Health, err = health.OfImage(raw); err != nil {
		return err
	}
	if img.Platform, err = platformOf(raw); err != nil {
		return err
	}
	if o.Platform != nil && !img.Platform.Satisfies(*o.Platform) {
		return noSuchPlatform(*o.Platform, []v1.Platform{img.Platform})
	}
	return nil
}

// Redact returns ref without the user and password that a URL may have which is taken
// for a reference.
func Redact(ref string) string {
	rest, digest := ref, ""
	if i := strings.LastIndex(ref, "@sha256:"); i >= 0 {
		rest, digest = ref[:i], ref[i:]
	}
	i := strings.LastIndex(rest, "@")
	if i < 0 {
		return ref
	}
	scheme := ""
	if before, _, ok := strings.Cut(rest, "://"); ok {
		scheme = before + "://"
	}
	return scheme + "…" + rest[i:] + digest
}
