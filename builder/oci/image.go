// Package oci holds an image as a value that can be taken apart and put together again
// with nothing lost: fields of its config that no struct knows stay, and so does every
// byte of its layers.
//
// [Read] takes an image apart. [Image.SplitAtKo] or [Image.SplitAtTop] says where its base
// ends, [Image.Insert] puts layers there, and [Image.Assemble] makes an image again:
//
//	config:   {"config": …, "history": …}
//	layers:   base's | inserted ones | ko's
//	history:  base's | marks         | ko's
//
// The marks are the entries of kohealth's own in the history. They say which layers are
// its own, so that a later kohealth replaces them.
package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/ko-health/kohealth/builder/verified"
)

// An Image is the image of one platform, taken apart where its base ends. It is not safe
// for concurrent use.
type Image struct {
	Config   Config
	Manifest *v1.Manifest // without what is said of layers

	layers      []v1.Layer
	descs       []v1.Descriptor // of the layers
	diffIDs     []v1.Hash       // of the layers
	history     []v1.History
	baseLayers  int // how many layers are the base's
	baseEntries int // how many entries of the history are the base's

	command string  // what adds layers
	created v1.Time // when the image was, for a history that does not say it
}

// Read takes an image apart. All of it is base until it is split.
func Read(img v1.Image) (*Image, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading layers: %w", err)
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	if m.MediaType, err = img.MediaType(); err != nil { // manifests of OCI need not say it
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading image config: %w", err)
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading image config: %w", err)
	}
	config, err := ParseConfig(raw)
	if err != nil {
		return nil, err
	}
	i := &Image{
		Config: config, Manifest: m,
		layers: slices.Clone(layers), descs: m.Layers, diffIDs: cf.RootFS.DiffIDs, history: cf.History, created: cf.Created,
		baseLayers: len(layers), baseEntries: len(cf.History),
	}
	if len(i.descs) != len(i.layers) || len(i.diffIDs) != len(i.layers) {
		return nil, fmt.Errorf("reading layers: manifest has %d, config %d", len(i.descs), len(i.diffIDs))
	}
	return i, i.matchManifest(img)
}

// matchManifest takes the layers that the manifest names. go-containerregistry's mutate
// goes by the diff_ids that the config claims, and so takes one layer for another where
// they claim the same.
func (i *Image) matchManifest(img v1.Image) error {
	for n, desc := range i.descs {
		digest, err := i.layers[n].Digest()
		if err != nil {
			return fmt.Errorf("reading layers: %w", err)
		}
		if digest == desc.Digest {
			continue
		}
		if i.layers[n], err = img.LayerByDigest(desc.Digest); err != nil {
			return fmt.Errorf("reading layers: %w", err)
		}
	}
	return nil
}

// SplitAtKo ends the base where ko's own layers begin, of an image that ko has just built:
// at the last kodata layer, which ko puts first. What is before it belongs to the base,
// even if ko made that, too. Layers are counted from the top, because a base's history may
// be incomplete.
func (i *Image) SplitAtKo() error {
	i.command = byBuild
	for n, h := range slices.Backward(i.history) {
		if h.Author == "ko" && strings.HasPrefix(h.Comment, "kodata contents") {
			i.baseEntries, i.baseLayers = n, len(i.layers)-countLayers(i.history[n:])
			if i.baseLayers < 0 {
				break
			}
			return nil
		}
	}
	return errors.New("finding ko's layers: no entry of ko's in the image's history")
}

// SplitAtTop takes all of the image for base, as it is of an image that ko did not build. A
// history that says nothing of some layers gets entries for them: without, nobody could
// say which layers are kohealth's.
func (i *Image) SplitAtTop() {
	i.command = byBase
	if missing := len(i.layers) - countLayers(i.history); missing > 0 {
		i.history = slices.Concat(make([]v1.History, missing), i.history)
	}
	i.baseLayers, i.baseEntries = len(i.layers), len(i.history)
}

// AppLayers returns the layers that ko has made, lowest first, of an image as ko's builder
// has just returned it: ko appends its layers, and entries for them, to those of the base, so
// that whatever a base says of itself comes before. Of an image that was read from somewhere
// it says nothing.
func AppLayers(img v1.Image) ([]v1.Layer, error) {
	i, err := Read(img)
	if err != nil {
		return nil, err
	}
	if err := i.SplitAtKo(); err != nil {
		return nil, err
	}
	return i.layers[i.baseLayers:], nil
}

func countLayers(history []v1.History) (n int) {
	for _, h := range history {
		if !h.EmptyLayer {
			n++
		}
	}
	return n
}

// Base returns the base's layers, lowest first, to be read as what the config claims.
func (i *Image) Base() (layers []v1.Layer) {
	for n, l := range i.layers[:i.baseLayers] {
		layers = append(layers, verified.LayerAs(l, i.diffIDs[n]))
	}
	return layers
}

// Insert puts a layer on top of the base, and with it a mark whose comment this is.
func (i *Image) Insert(l v1.Layer, comment string) error {
	desc, err := partial.Descriptor(l)
	if err != nil {
		return fmt.Errorf("describing layer: %w", err)
	}
	diffID, err := l.DiffID()
	if err != nil {
		return fmt.Errorf("describing layer: %w", err)
	}
	i.layers = slices.Insert(i.layers, i.baseLayers, l)
	i.descs = slices.Insert(i.descs, i.baseLayers, *desc)
	i.diffIDs = slices.Insert(i.diffIDs, i.baseLayers, diffID)
	i.baseLayers++
	i.mark(v1.History{Comment: comment})
	return nil
}

// UTC gives the dates that ko has written the same form on every machine. ko writes
// SOURCE_DATE_EPOCH in the local time zone, so that the digest depends on that. What
// the base says of itself stays.
func (i *Image) UTC() error {
	var created v1.Time
	for n := range i.history[i.baseEntries:] {
		h := &i.history[i.baseEntries+n]
		h.Created = v1.Time{Time: h.Created.UTC()}
		created = h.Created
	}
	var image v1.Time
	if json.Unmarshal(i.Config["created"], &image) != nil || image.IsZero() || !image.Equal(created.Time) {
		return nil
	}
	return i.Config.Set("created", created)
}

// Assemble makes an image again, with the media types of a format.
func (i *Image) Assemble(f Format) (v1.Image, error) {
	m := i.Manifest
	var err error
	for n := range i.descs {
		if i.descs[n].MediaType, err = f.MediaType(i.descs[n].MediaType); err != nil {
			return nil, err
		}
	}
	if m.MediaType, err = f.MediaType(m.MediaType); err != nil {
		return nil, err
	}
	if m.Config.MediaType, err = f.MediaType(m.Config.MediaType); err != nil {
		return nil, err
	}
	m.Layers = i.descs
	if err := i.Config.Set("history", i.history); err != nil {
		return nil, err
	}
	if err := i.Config.Set("rootfs", v1.RootFS{Type: "layers", DiffIDs: i.diffIDs}); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(i.Config) // sorts the keys
	if err != nil {
		return nil, err
	}
	return New(m, raw, i.layers)
}
