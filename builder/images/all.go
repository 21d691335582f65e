package images

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
)

// A Set is all that a name stands for: an image, or an index of images of several
// platforms.
type Set struct {
	Image v1.Image      // nil if there is an index
	Index v1.ImageIndex // of images alone, not of other indexes

	Reference string          // by which registries or the engine know it; "" in a file
	Digest    v1.Hash         // of what the name stands for, which may hold more than is here
	Partial   bool            // the engine keeps an index of images, and gives one of them
	Others    []v1.Descriptor // what an index holds beside images, such as attestations
	path      string          // of a file
	close     func() error
}

// Close removes what reading the images has left on disk. Their layers cannot be read
// afterwards.
func (s *Set) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Repository returns how the images are called where they are, without a registry:
// chainguard/static, or app for a file out/app.tar.
func (s *Set) Repository(o Options) (string, error) {
	if s.Reference == "" {
		return strings.TrimSuffix(filepath.Base(s.path), ".tar"), nil
	}
	ref, err := o.parseReference(s.Reference)
	if err != nil {
		return "", err
	}
	return ref.Context().RepositoryStr(), nil
}

// All opens all images that ref names, or those of the platforms, of which a field
// left empty is any. Several images are an index, and so is one of an index that was
// not asked for by its platform.
func All(ctx context.Context, ref string, platforms []v1.Platform, o Options) (*Set, error) {
	s, err := o.all(ctx, ref, platforms)
	if err != nil {
		return nil, fmt.Errorf("opening image %q: %w", Redact(ref), err)
	}
	return s, nil
}

func (o Options) all(ctx context.Context, ref string, platforms []v1.Platform) (*Set, error) {
	src, err := o.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	s := &Set{Reference: src.reference, Partial: src.partial, close: src.close}
	if p, ok := findPath(ref); ok && src.reference == "" {
		s.path = p.path
	}
	if src.index == nil {
		err = s.one(src.image, platforms)
		if src.known.Hex != "" {
			s.Digest = src.known
		}
		if src.partial && errors.Is(err, ErrPlatform) {
			err = hint.With(err, "the Docker engine keeps an index of images, and gives the one for its own platform: name the index where it was pulled from")
		}
	} else {
		err = s.several(src.index, platforms)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// one takes an image that stands alone.
func (s *Set) one(img v1.Image, platforms []v1.Platform) (err error) {
	s.Image = img
	if s.Digest, err = img.Digest(); err != nil {
		return fmt.Errorf("reading manifest: %w", explain(err))
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return fmt.Errorf("reading config: %w", explain(err))
	}
	p, err := platformOf(raw)
	if err != nil {
		return err
	}
	_, err = ofPlatforms([]candidate{{platform: p}}, platforms)
	return err
}

// several takes the images of an index.
func (s *Set) several(idx v1.ImageIndex, platforms []v1.Platform) (err error) {
	im, err := idx.IndexManifest()
	if err != nil {
		return fmt.Errorf("reading index: %w", explain(err))
	}
	if s.Digest, err = idx.Digest(); err != nil {
		return fmt.Errorf("reading index: %w", err)
	}
	all, err := candidates(idx, 1, new(int64))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("there is no image in the index")
	}
	chosen, err := ofPlatforms(all, platforms)
	if err != nil {
		return err
	}
	s.Others = others(im, chosen)
	if len(chosen) == 1 && len(platforms) > 0 {
		s.Image, err = chosen[0].image()
		return err
	}
	s.Index, err = indexOf(im, chosen)
	return err
}

// ofPlatforms returns the images of the platforms in their order in the index. Every
// platform has to be there.
func ofPlatforms(all []candidate, platforms []v1.Platform) (chosen []candidate, err error) {
	var there []v1.Platform
	wanted := make([]bool, len(all))
	for i, c := range all {
		there = append(there, c.platform)
		wanted[i] = len(platforms) == 0
	}
	for _, p := range platforms {
		found := false
		for i, c := range all {
			if c.platform.Satisfies(p) {
				wanted[i], found = true, true
			}
		}
		if !found {
			return nil, noSuchPlatform(p, there)
		}
	}
	for i, c := range all {
		if wanted[i] {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

// others returns what an index holds beside images, unless it is about an image that
// is not wanted.
func others(im *v1.IndexManifest, images []candidate) (descs []v1.Descriptor) {
	wanted := map[string]bool{"": true}
	for _, c := range images {
		wanted[c.desc.Digest.String()] = true
	}
	for _, desc := range im.Manifests {
		if !isImage(desc) && wanted[desc.Annotations[attested]] {
			descs = append(descs, desc)
		}
	}
	return descs
}

// indexOf returns an index like im, of the images alone.
func indexOf(im *v1.IndexManifest, images []candidate) (v1.ImageIndex, error) {
	mt := im.MediaType
	if mt == "" { // it need not be said in OCI's format
		mt = types.OCIImageIndex
	}
	var adds []mutate.IndexAddendum
	for _, c := range images {
		img, err := c.image()
		if err != nil {
			return nil, err
		}
		desc := c.desc
		desc.Platform = &c.platform
		adds = append(adds, mutate.IndexAddendum{Add: img, Descriptor: desc})
	}
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, mt), adds...)
	return mutate.Annotations(idx, im.Annotations).(v1.ImageIndex), nil
}
