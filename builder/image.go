package builder

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// An image is a v1.Image of exactly these bytes. go-containerregistry's own mutate
// encodes its config struct anew and so loses every field that the struct does not
// know, StartInterval among them.
type image struct {
	config   []byte
	manifest []byte
	media    types.MediaType
	layers   []v1.Layer
}

// newImage returns the image that a manifest, a config and layers make. The
// manifest's layer descriptors stand for the layers; its config descriptor is
// filled in.
func newImage(m *v1.Manifest, config []byte, layers []v1.Layer) (v1.Image, error) {
	if len(m.Layers) != len(layers) {
		return nil, fmt.Errorf("assembling image: %d descriptors for %d layers", len(m.Layers), len(layers))
	}
	img := &image{config: config, media: m.MediaType, layers: layers}
	name, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	m.Config.Digest, m.Config.Size = name, int64(len(config))
	if m.Config.Data != nil {
		m.Config.Data = config
	}
	img.manifest, err = json.Marshal(m)
	return img, err
}

func (i *image) Layers() ([]v1.Layer, error)               { return i.layers, nil }
func (i *image) MediaType() (types.MediaType, error)       { return i.media, nil }
func (i *image) Size() (int64, error)                      { return partial.Size(i) }
func (i *image) ConfigName() (v1.Hash, error)              { return partial.ConfigName(i) }
func (i *image) ConfigFile() (*v1.ConfigFile, error)       { return partial.ConfigFile(i) }
func (i *image) RawConfigFile() ([]byte, error)            { return i.config, nil }
func (i *image) Digest() (v1.Hash, error)                  { return partial.Digest(i) }
func (i *image) Manifest() (*v1.Manifest, error)           { return partial.Manifest(i) }
func (i *image) RawManifest() ([]byte, error)              { return i.manifest, nil }
func (i *image) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return i.find(h, v1.Layer.DiffID) }

func (i *image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if name, err := i.ConfigName(); err == nil && h == name {
		return partial.ConfigLayer(i)
	}
	return i.find(h, v1.Layer.Digest)
}

func (i *image) find(h v1.Hash, id func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	for _, l := range i.layers {
		if got, err := id(l); err == nil && got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no layer %q in image", h)
}
