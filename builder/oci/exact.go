package oci

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// exact is a v1.Image of exactly these bytes. go-containerregistry's own mutate
// encodes its config struct anew and so loses every field that the struct does not
// know, StartInterval among them.
type exact struct {
	config   []byte
	manifest []byte
	media    types.MediaType
	layers   []v1.Layer
}

// New returns the image that a manifest, a config and layers make. The
// manifest's layer descriptors stand for the layers; its config descriptor is
// filled in.
func New(m *v1.Manifest, config []byte, layers []v1.Layer) (v1.Image, error) {
	if len(m.Layers) != len(layers) {
		return nil, fmt.Errorf("assembling image: %d descriptors for %d layers", len(m.Layers), len(layers))
	}
	img := &exact{config: config, media: m.MediaType, layers: layers}
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

func (e *exact) Layers() ([]v1.Layer, error)               { return e.layers, nil }
func (e *exact) MediaType() (types.MediaType, error)       { return e.media, nil }
func (e *exact) Size() (int64, error)                      { return partial.Size(e) }
func (e *exact) ConfigName() (v1.Hash, error)              { return partial.ConfigName(e) }
func (e *exact) ConfigFile() (*v1.ConfigFile, error)       { return partial.ConfigFile(e) }
func (e *exact) RawConfigFile() ([]byte, error)            { return e.config, nil }
func (e *exact) Digest() (v1.Hash, error)                  { return partial.Digest(e) }
func (e *exact) Manifest() (*v1.Manifest, error)           { return partial.Manifest(e) }
func (e *exact) RawManifest() ([]byte, error)              { return e.manifest, nil }
func (e *exact) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return e.find(h, v1.Layer.DiffID) }

func (e *exact) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if name, err := e.ConfigName(); err == nil && h == name {
		return partial.ConfigLayer(e)
	}
	return e.find(h, v1.Layer.Digest)
}

func (e *exact) find(h v1.Hash, id func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	for _, l := range e.layers {
		if got, err := id(l); err == nil && got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no layer %q in image", h)
}
