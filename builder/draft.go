package builder

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/layers"
)

// A draft is the image of one platform, taken apart, while it is rewritten.
type draft struct {
	*stack
	config   rawConfig
	manifest *v1.Manifest
	platform v1.Platform
	check    health.Check // in the end, as it stands in the image
	added    added
}

func (r *rewriter) newDraft(img v1.Image, platform v1.Platform) (*draft, error) {
	s, err := r.newStack(img)
	if err != nil {
		return nil, err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	config, err := parseRawConfig(raw)
	if err != nil {
		return nil, err
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	return &draft{stack: s, config: config, manifest: m, platform: platform, check: r.check}, nil
}

// insertFiles inserts a layer of files.
func (r *rewriter) insertFiles(d *draft, files []layers.File, comment string) (v1.Layer, error) {
	mt, err := r.Format.layerType(d.manifest.MediaType)
	if err != nil {
		return nil, err
	}
	l, err := r.Compiler.Layer(files, mt)
	if err != nil {
		return nil, err
	}
	return l, d.insert(l, comment)
}

// utc gives the dates that ko has written the same form on every machine. ko writes
// SOURCE_DATE_EPOCH in the local time zone, so that the digest depends on that. What
// the base says of itself stays.
func (d *draft) utc() error {
	var created v1.Time
	for i := range d.history[d.koEntry:] {
		h := &d.history[d.koEntry+i]
		h.Created = v1.Time{Time: h.Created.UTC()}
		created = h.Created
	}
	var image v1.Time
	if json.Unmarshal(d.config["created"], &image) != nil || image.IsZero() || !image.Equal(created.Time) {
		return nil
	}
	return d.config.set("created", created)
}

// assemble makes an image of a draft, with the media types of the format.
func (r *rewriter) assemble(d *draft) (v1.Image, error) {
	m := d.manifest
	var err error
	for i := range d.descs {
		if d.descs[i].MediaType, err = r.Format.mediaType(d.descs[i].MediaType); err != nil {
			return nil, err
		}
	}
	if m.MediaType, err = r.Format.mediaType(m.MediaType); err != nil {
		return nil, err
	}
	if m.Config.MediaType, err = r.Format.mediaType(m.Config.MediaType); err != nil {
		return nil, err
	}
	m.Layers = d.descs
	if err := d.config.set("history", d.history); err != nil {
		return nil, err
	}
	if err := d.config.set("rootfs", v1.RootFS{Type: "layers", DiffIDs: d.diffIDs}); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(d.config) // sorts the keys
	if err != nil {
		return nil, err
	}
	return newImage(m, raw, d.layers)
}
