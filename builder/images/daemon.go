package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/daemon"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/verified"
)

// fullConfig is the version of the engine's API (Docker 25) since which the engine
// says all that is in a check: older ones leave out StartInterval.
const fullConfig = "1.44"

// fromDaemon opens an image of the Docker engine. What is in its config the engine
// says; only for the layers, or if the engine is old, is the image copied out of it,
// into a temporary file. Its config is then the one that it was built with, not the one
// that go-containerregistry makes of what the engine tells, where the history is upside
// down and without its authors.
func (o Options) fromDaemon(ctx context.Context, s string) (*source, error) {
	ref, err := o.parseReference(s)
	if err != nil {
		return nil, err
	}
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Docker engine: %w", err)
	}
	saved := &saver{Client: docker}
	img, err := daemon.Image(ref, daemon.WithContext(ctx), daemon.WithClient(saved), daemon.WithUnbufferedOpener())
	if err != nil {
		return nil, errors.Join(explainDaemon(err), saved.Close())
	}
	src := &source{image: verified.Archive(img, saved.sources), reference: s, close: saved.Close}
	var raw bytes.Buffer
	inspected, err := docker.ImageInspect(ctx, ref.String(), client.ImageInspectWithRawResponse(&raw))
	if err != nil {
		return nil, errors.Join(explainDaemon(err), saved.Close())
	}
	if known := inspected.Descriptor; known != nil {
		src.known = v1.Hash{Algorithm: known.Digest.Algorithm().String(), Hex: known.Digest.Encoded()}
		src.partial = types.MediaType(known.MediaType).IsIndex()
	}
	if versions.GreaterThanOrEqualTo(docker.ClientVersion(), fullConfig) && !isPodman(ctx, docker) {
		src.config = func() ([]byte, error) { return configOf(raw.Bytes()) }
	}
	return src, nil
}

// isPodman reports whether it is Podman that answers as Docker would. It leaves the
// check out of what it says of an image.
func isPodman(ctx context.Context, docker *client.Client) bool {
	server, err := docker.ServerVersion(ctx, client.ServerVersionOptions{})
	return err == nil && slices.ContainsFunc(server.Components, func(c system.ComponentVersion) bool {
		return c.Name == "Podman Engine" // https://github.com/containers/podman/blob/main/pkg/api/handlers/compat/version.go
	})
}

// configOf returns what the engine says of an image in the form of an image's config.
func configOf(inspected []byte) ([]byte, error) {
	var said struct {
		Os, Architecture, Variant, OsVersion string
		Config                               json.RawMessage
	}
	if err := json.Unmarshal(inspected, &said); err != nil {
		return nil, fmt.Errorf("parsing the Docker engine's answer: %w", err)
	}
	return json.Marshal(map[string]any{
		"os": said.Os, "architecture": said.Architecture, "variant": said.Variant, "os.version": said.OsVersion,
		"config": said.Config,
	})
}

// OfEngine opens the image of the Docker engine that has an ID, such as the one that a
// container was made of: a name may stand for another by now.
func OfEngine(ctx context.Context, id string, o Options) (*Image, error) {
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Docker engine: %w", err)
	}
	saved := &saver{Client: &identified{docker, id}}
	ref, err := name.ParseReference("kohealth.local/image") // which the engine never sees
	if err != nil {
		return nil, err
	}
	img, err := daemon.Image(ref, daemon.WithContext(ctx), daemon.WithClient(saved), daemon.WithUnbufferedOpener())
	if err != nil {
		return nil, fmt.Errorf("opening image %q: %w", id, errors.Join(explainDaemon(err), saved.Close()))
	}
	opened := &Image{Name: id, close: saved.Close}
	if err := o.fill(opened, &source{image: verified.Archive(img, saved.sources)}); err != nil {
		return nil, fmt.Errorf("opening image %q: %w", id, errors.Join(err, saved.Close()))
	}
	return opened, nil
}

// An identified client asks for the image with an ID, whatever it is called.
type identified struct {
	daemon.Client
	id string
}

// ImageSave returns the content of the image.
func (i *identified) ImageSave(ctx context.Context, _ []string, opts ...client.ImageSaveOption) (client.ImageSaveResult, error) {
	return i.Client.ImageSave(ctx, []string{i.id}, opts...)
}

// ImageInspect returns what the engine says of the image.
func (i *identified) ImageInspect(ctx context.Context, _ string, opts ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	return i.Client.ImageInspect(ctx, i.id, opts...)
}

// ImageHistory returns how the image was made.
func (i *identified) ImageHistory(ctx context.Context, _ string, opts ...client.ImageHistoryOption) (client.ImageHistoryResult, error) {
	return i.Client.ImageHistory(ctx, i.id, opts...)
}

func explainDaemon(err error) error {
	if client.IsErrConnectionFailed(err) {
		return hint.With(err, "start the Docker engine, or say where it is with DOCKER_HOST")
	}
	return hint.With(err, "docker images lists what is there")
}

// A saver is a client of the Docker engine that asks for the image's content once.
type saver struct {
	daemon.Client
	mu   sync.Mutex
	path string
}

// ImageSave returns the content of the images.
func (s *saver) ImageSave(ctx context.Context, images []string, opts ...client.ImageSaveOption) (client.ImageSaveResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		if err := s.save(ctx, images, opts); err != nil {
			return nil, fmt.Errorf("copying image from the Docker engine: %w", err)
		}
	}
	return os.Open(s.path)
}

func (s *saver) save(ctx context.Context, images []string, opts []client.ImageSaveOption) error {
	rc, err := s.Client.ImageSave(ctx, images, opts...)
	if err != nil {
		return err
	}
	defer rc.Close()
	f, err := os.CreateTemp("", "kohealth-*.tar")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, rc)
	if err == nil {
		err = checkTarball(f.Name())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	s.path = f.Name()
	return nil
}

// sources returns what the copy says of the image's layers.
func (s *saver) sources() (verified.Sources, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(s.path) })
	if err != nil || len(m) != 1 {
		return nil, errors.Join(errors.New("copying image from the Docker engine: its manifest.json is not of one image"), err)
	}
	return m[0].LayerSources, nil
}

// Close removes the copy.
func (s *saver) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		return nil
	}
	path := s.path
	s.path = ""
	return os.Remove(path)
}
