package builder

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/publish"
	specs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/oci"
)

// baseConfig returns the config of the image's base as the base's maker wrote it.
// ko names the base in annotations of every image. An image without them yields an
// empty config: there is nothing to keep.
func (o *Options) baseConfig(ctx context.Context, annotations map[string]string) (oci.Config, error) {
	baseName, digest := annotations[specs.AnnotationBaseImageName], annotations[specs.AnnotationBaseImageDigest]
	if baseName == "" || digest == "" {
		return oci.Config{}, nil
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, fmt.Errorf("reading base image's digest: %w", err)
	}
	kept := o.Cache.Sub("configs")
	if data, ok := kept.Get(hash.Hex); ok {
		return oci.ParseConfig(data)
	}
	data, err := o.fetchConfig(ctx, baseName, hash)
	if err != nil {
		return nil, fmt.Errorf("reading config of base image %q: %w", baseName, err)
	}
	_ = kept.Put(hash.Hex, data) // it is only slower without
	return oci.ParseConfig(data)
}

// fetchConfig asks where ko asked: the Docker engine for ko.local, else a registry, whose
// answers remote holds against the digest.
func (o *Options) fetchConfig(ctx context.Context, baseName string, digest v1.Hash) ([]byte, error) {
	ref, err := name.ParseReference(baseName, o.Name...)
	if err != nil {
		return nil, err
	}
	if ref.Context().RegistryStr() == publish.LocalDomain {
		return o.fetchLocalConfig(ctx, baseName, digest)
	}
	img, err := remote.Image(ref.Context().Digest(digest.String()), append(o.Remote[:len(o.Remote):len(o.Remote)], remote.WithContext(ctx))...)
	if err != nil {
		return nil, err
	}
	return img.RawConfigFile()
}

// fetchLocalConfig asks the Docker engine, which knows images by name alone.
func (o *Options) fetchLocalConfig(ctx context.Context, baseName string, digest v1.Hash) (config []byte, err error) {
	img, err := images.New(ctx, "docker-daemon:"+baseName, images.Options{Name: o.Name})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	got, err := img.Digest()
	if err != nil {
		return nil, err
	}
	if got != digest {
		return nil, hint.With(fmt.Errorf("the image that ko read, %s, is another one by now: %s", digest, got), "build again")
	}
	return img.RawConfigFile()
}
