package kocompat

import (
	"context"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"

	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
)

// mounting is ko's builder whose base layers registries can mount from the base's
// repository. ko itself marks those that it reads from a registry, but not those of a
// base that is in its cache: they would be uploaded again.
type mounting struct {
	build.Interface
	names []name.Option
}

// MountBases returns a builder, inner, whose base layers can be mounted; names say how the
// bases' names are read.
func MountBases(inner build.Interface, names []name.Option) build.Interface {
	return mounting{inner, names}
}

func (b mounting) Build(ctx context.Context, importpath string) (build.Result, error) {
	result, err := b.Interface.Build(ctx, importpath)
	switch result := result.(type) {
	case cosign.SignedImage:
		return &mountingImage{result, b.names}, err
	case cosign.SignedImageIndex:
		return &mountingIndex{result, b.names}, err
	}
	return result, err
}

// A mountingIndex is an index of mountingImages.
type mountingIndex struct {
	signedIndex
	names []name.Option
}

func (x *mountingIndex) SignedImage(h v1.Hash) (cosign.SignedImage, error) {
	img, err := x.signedIndex.SignedImage(h)
	if err != nil {
		return nil, err
	}
	return &mountingImage{img, x.names}, nil
}

func (x *mountingIndex) Image(h v1.Hash) (v1.Image, error) { return x.SignedImage(h) }

type signedIndex = cosign.SignedImageIndex // which has a method of that name

var _ cosign.SignedImageIndex = (*mountingIndex)(nil)

// A mountingImage is an image of ko's, as it was just built.
type mountingImage struct {
	cosign.SignedImage
	names []name.Option
}

func (i *mountingImage) Layers() ([]v1.Layer, error) {
	all, err := i.SignedImage.Layers()
	if err != nil {
		return nil, err
	}
	base, ok := i.base()
	app, err := oci.AppLayers(i.SignedImage)
	if !ok || err != nil { // then nobody knows which layers are the base's
		return all, nil
	}
	marked := slices.Clone(all)
	for n, l := range all[:len(all)-len(app)] {
		if _, known := l.(*remote.MountableLayer); !known {
			marked[n] = &remote.MountableLayer{Layer: l, Reference: base}
		}
	}
	return marked, nil
}

// LayerByDigest returns the layer of a digest, or the config.
func (i *mountingImage) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	all, err := i.Layers()
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if digest, err := l.Digest(); err == nil && digest == h {
			return l, nil
		}
	}
	return i.SignedImage.LayerByDigest(h)
}

// base returns the reference of the base image, if that is in a registry.
func (i *mountingImage) base() (name.Reference, bool) {
	m, err := i.Manifest()
	if err != nil {
		return nil, false
	}
	ref, err := name.ParseReference(m.Annotations[specs.AnnotationBaseImageName], i.names...)
	if err != nil {
		return nil, false
	}
	host := ref.Context().RegistryStr()
	return ref, host != layers.StaticHost && !strings.HasSuffix(host, ".local")
}
