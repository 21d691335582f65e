package images

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/ko-health/kohealth/builder/hint"
)

func (o Options) fromRegistry(ctx context.Context, s string) (*source, error) {
	ref, err := o.parseReference(s)
	if err != nil {
		return nil, err
	}
	desc, err := remote.Get(ref, append(o.Remote[:len(o.Remote):len(o.Remote)], remote.WithContext(ctx))...)
	if err != nil {
		return nil, explain(err)
	}
	if desc.MediaType.IsIndex() {
		idx, err := desc.ImageIndex()
		return &source{index: idx, reference: s}, err
	}
	img, err := desc.Image()
	return &source{image: img, reference: s}, err
}

// parseReference parses a reference. Its errors do not repeat it: it may hold a
// password.
func (o Options) parseReference(s string) (name.Reference, error) {
	ref, err := name.ParseReference(s, o.Name...)
	switch {
	case err == nil:
		return ref, nil
	case strings.Contains(s, "://"):
		return nil, hint.With(errors.New("a reference has no scheme"), "write it as in example.com/app:v1; credentials are those of docker login")
	}
	return nil, hint.With(errors.New("it is neither a file nor a reference to an image"), "a reference is written as in example.com/app:v1, in lower case")
}

// explain says in short what a registry answered, and what to do about it.
func explain(err error) error {
	var e *transport.Error
	if !errors.As(err, &e) && hint.IsNetwork(err) {
		return hint.With(err, "check the registry's name and the network; an image in the Docker engine is named docker-daemon:NAME")
	}
	if e == nil {
		return err
	}
	switch e.StatusCode {
	case http.StatusNotFound:
		return hint.With(fmt.Errorf("there is no such image: %w", err), "check name and tag; an image in the Docker engine is named docker-daemon:NAME")
	case http.StatusUnauthorized, http.StatusForbidden:
		return hint.With(fmt.Errorf("the registry refuses: %w", err), "log in with kohealth login REGISTRY, or docker login, or check that the image exists")
	}
	return err
}
