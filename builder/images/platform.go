package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// Annotations that BuildKit gives to what only describes an image of the same index.
//
// https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
const (
	attestation = "vnd.docker.reference.type"
	attested    = "vnd.docker.reference.digest" // the image's
)

// A candidate is an image of an index, which is not read before it is chosen.
type candidate struct {
	index    v1.ImageIndex
	desc     v1.Descriptor
	platform v1.Platform
}

func (c candidate) image() (v1.Image, error) {
	img, err := c.index.Image(c.desc.Digest)
	if err != nil {
		return nil, fmt.Errorf("reading image %q: %w", c.desc.Digest, explain(err))
	}
	return img, nil
}

// choose returns the image of an index for the platform.
func (o Options) choose(idx v1.ImageIndex) (v1.Image, error) {
	all, err := candidates(idx, 1, new(int64))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no image in the index")
	}
	if o.Platform == nil {
		return preferred(all).image()
	}
	var platforms []v1.Platform
	for _, c := range all {
		if c.platform.Satisfies(*o.Platform) {
			return c.image()
		}
		platforms = append(platforms, c.platform)
	}
	return nil, noSuchPlatform(*o.Platform, platforms)
}

// preferred returns the image that is opened where no platform is asked for.
func preferred(all []candidate) candidate {
	for _, want := range []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux"}} {
		for _, c := range all {
			if c.platform.OS == want.OS && (want.Architecture == "" || c.platform.Architecture == want.Architecture) {
				return c
			}
		}
	}
	return all[0]
}

// candidates returns the images of an index at a depth. seen counts the entries of all.
func candidates(idx v1.ImageIndex, depth int64, seen *int64) ([]candidate, error) {
	if err := limits.IndexDepth.Check(depth); err != nil {
		return nil, err
	}
	im, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading index: %w", explain(err))
	}
	*seen += int64(len(im.Manifests))
	if err := limits.IndexEntries.Check(*seen); err != nil {
		return nil, err
	}
	var all []candidate
	for _, desc := range im.Manifests {
		found, err := ofDescriptor(idx, desc, depth, seen)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// ofDescriptor returns the images that an entry of an index stands for.
func ofDescriptor(idx v1.ImageIndex, desc v1.Descriptor, depth int64, seen *int64) ([]candidate, error) {
	switch {
	case !isImage(desc):
		return nil, nil
	case desc.MediaType.IsIndex():
		child, err := idx.ImageIndex(desc.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading index %q: %w", desc.Digest, explain(err))
		}
		return candidates(child, depth+1, seen)
	}
	c := candidate{index: idx, desc: desc}
	if desc.Platform != nil {
		c.platform = *desc.Platform
		return []candidate{c}, nil
	}
	img, err := c.image()
	if err != nil {
		return nil, err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading config of image %q: %w", desc.Digest, explain(err))
	}
	c.platform, err = platformOf(raw)
	return []candidate{c}, err
}

// isImage tells images and indexes of them from attestations and other artifacts.
func isImage(desc v1.Descriptor) bool {
	unknown := desc.Platform != nil && desc.Platform.OS == "unknown"
	return !unknown && desc.Annotations[attestation] == "" && (desc.MediaType.IsImage() || desc.MediaType.IsIndex())
}

// platformOf returns the platform in a config.
func platformOf(config []byte) (v1.Platform, error) {
	var p v1.Platform // its JSON names are the config's
	if err := json.Unmarshal(config, &p); err != nil {
		return p, fmt.Errorf("parsing image config: %w", err)
	}
	return v1.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion}, nil
}

// ErrPlatform is the error of an image that is there for other platforms only.
var ErrPlatform = errors.New("no image for platform")

func noSuchPlatform(want v1.Platform, have []v1.Platform) error {
	var names []string
	for _, p := range have {
		names = append(names, p.String())
	}
	return hint.With(fmt.Errorf("%w %q", ErrPlatform, want), "there is "+strings.Join(names, ", "))
}
