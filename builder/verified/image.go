package verified

import (
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/ko-health/kohealth/builder/limits"
)

// An index is one of a store that keeps blobs by their digests.
type index struct{ store }

type store = v1.ImageIndex // which has a method of that name

// Index returns an index whose images and indexes are checked while they are read. It
// is not checked itself: that of an OCI layout has no name.
func Index(idx v1.ImageIndex) v1.ImageIndex { return index{idx} }

// Image returns an image of the index.
func (x index) Image(h v1.Hash) (v1.Image, error) {
	img, err := x.store.Image(h)
	if err != nil {
		return nil, err
	}
	return newImage(img, h)
}

// ImageIndex returns an index of the index.
func (x index) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	idx, err := x.store.ImageIndex(h)
	if err != nil {
		return nil, err
	}
	raw, err := idx.RawManifest()
	if err != nil {
		return nil, err
	}
	return Index(idx), check(raw, h)
}

// An image is one whose blobs are checked while they are read.
type image struct {
	v1.Image
	config  []byte // that was checked; nil if there is no name to check it against
	sources func() (Sources, error)

	mu     sync.Mutex
	layers []v1.Layer // which know their digests when they have been asked for them
}

// newImage returns the image whose manifest has a digest, and whose config and layers
// have those that the manifest says.
func newImage(img v1.Image, digest v1.Hash) (v1.Image, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	if err := check(manifest, digest); err != nil {
		return nil, err
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	if err := limits.ImageLayers.Check(int64(len(m.Layers))); err != nil {
		return nil, err // before the library looks each of them up among all
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	return &image{Image: img, config: config}, check(config, m.Config.Digest)
}

// Sources are what an archive says of the digests of its layers, by diff_id.
type Sources map[v1.Hash]v1.Descriptor

// Archive returns an image of an archive of docker save, whose layers are checked while
// they are read. The archive has no digests of them: they are computed, but for those
// that sources, which is called when layers are asked for, returns as claims.
func Archive(img v1.Image, sources func() (Sources, error)) v1.Image {
	return &image{Image: img, sources: sources}
}

// RawConfigFile returns the config.
func (i *image) RawConfigFile() ([]byte, error) {
	if i.config != nil {
		return i.config, nil
	}
	return i.Image.RawConfigFile()
}

// ConfigFile returns the config, parsed.
func (i *image) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(i) }

// ConfigName returns the digest of the config.
func (i *image) ConfigName() (v1.Hash, error) { return partial.ConfigName(i) }

// Layers returns the layers, lowest first.
func (i *image) Layers() (layers []v1.Layer, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.layers == nil {
		i.layers, err = i.check()
	}
	return i.layers, err
}

func (i *image) check() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	config, err := i.ConfigFile()
	if err != nil {
		return nil, err
	}
	diffIDs := config.RootFS.DiffIDs
	if len(diffIDs) != len(layers) {
		return nil, fmt.Errorf("the manifest has %d layers, and the config diff_ids of %d", len(layers), len(diffIDs))
	}
	var claims Sources
	if i.sources != nil {
		if claims, err = i.sources(); err != nil {
			return nil, err
		}
	}
	checked := make([]v1.Layer, len(layers))
	for n, l := range layers {
		// Docker 25 and later claim digests of layers that are not compressed: their diff_ids.
		said, claimed := claims[diffIDs[n]]
		computed := i.sources != nil && (!claimed || said.Digest == diffIDs[n])
		checked[n] = LayerAs(&layer{Layer: l, computed: computed}, diffIDs[n])
	}
	return checked, nil
}

// LayerByDigest returns the layer of a digest, or the config.
func (i *image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if name, err := i.ConfigName(); err != nil || name == h {
		return partial.ConfigLayer(i)
	}
	return i.find(h, v1.Layer.Digest)
}

// LayerByDiffID returns the layer of a diff_id.
func (i *image) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return i.find(h, v1.Layer.DiffID) }

func (i *image) find(h v1.Hash, name func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	layers, err := i.Layers()
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		if got, err := name(l); err == nil && got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no layer %q in image", h)
}
