package images

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	specs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/verified"
)

func fromTarball(p place) (*source, error) {
	opener := func() (io.ReadCloser, error) { return os.Open(p.path) }
	if err := checkPlain(p.path); err != nil {
		return nil, err
	}
	if err := checkTarball(p.path); err != nil {
		return nil, err
	}
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading the tarball's manifest.json: %w", err),
			"a tarball is what docker save writes; an image in a registry that is named as the file is docker://NAME")
	}
	var tag *name.Tag
	if p.selector != "" {
		t, err := name.NewTag(p.selector[1:])
		if err != nil {
			return nil, fmt.Errorf("parsing tag %q: want one such as example.com/app:v1", p.selector[1:])
		}
		tag = &t
	}
	said, err := oneOf(manifest, tag, p)
	if err != nil {
		return nil, err
	}
	img, err := tarball.Image(opener, tag)
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	sources := func() (verified.Sources, error) { return said.LayerSources, nil }
	return &source{image: verified.Archive(img, sources)}, verified.Named(said.Config, config)
}

// checkPlain refuses compressed tarballs, which would be unpacked anew for each file.
func checkPlain(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return errors.New("the file is no tarball: it is too short")
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return hint.With(errors.New("the tarball is compressed"), "uncompress it, with gunzip or unzstd")
	}
	return nil
}

// oneOf returns what the tarball says of its image of the tag, or of its only one.
func oneOf(m tarball.Manifest, tag *name.Tag, p place) (d tarball.Descriptor, err error) {
	var choices []string
	for _, d := range m {
		for _, t := range d.RepoTags {
			if got, err := name.NewTag(t); tag != nil && err == nil && got.Name() == tag.Name() {
				return d, nil
			}
			choices = append(choices, p.path+":"+t)
		}
	}
	switch {
	case len(m) == 0:
		return d, errors.New("there is no image in the tarball")
	case tag != nil:
		return d, hint.With(fmt.Errorf("no image with tag %q in the tarball", p.selector[1:]), nameOne(choices))
	case len(m) > 1:
		return d, hint.With(fmt.Errorf("there are %d images in the tarball", len(m)), nameOne(choices))
	}
	return m[0], nil
}

func nameOne(choices []string) string {
	if len(choices) == 0 {
		return "none of them has a name"
	}
	return "there is " + strings.Join(choices, ", ")
}

func fromLayout(p place) (*source, error) {
	if err := checkLayout(p.path); err != nil {
		return nil, fmt.Errorf("reading OCI layout: %w", err)
	}
	idx, err := layout.ImageIndexFromPath(p.path)
	if err != nil {
		return nil, fmt.Errorf("reading OCI layout: %w", err)
	}
	idx = verified.Index(idx)
	im, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the layout's index.json: %w", err)
	}
	if p.selector == "" && isOneImage(im.Manifests) {
		return only(idx, im.Manifests)
	}
	var found []v1.Descriptor
	var choices []string
	for _, d := range im.Manifests {
		if !isImage(d) {
			continue
		}
		refName := d.Annotations[specs.AnnotationRefName]
		if p.selector == ":"+refName || p.selector == "@"+d.Digest.String() {
			found = append(found, d)
		}
		if refName != "" {
			choices = append(choices, p.path+":"+refName)
		} else {
			choices = append(choices, p.path+"@"+d.Digest.String())
		}
	}
	switch {
	case p.selector == "":
		return nil, hint.With(fmt.Errorf("there are %d images in the layout", len(choices)), nameOne(choices))
	case len(found) != 1:
		return nil, hint.With(fmt.Errorf("%d images %q in the layout", len(found), p.selector[1:]), nameOne(choices))
	}
	return fromIndex(idx, found[0])
}

// isOneImage reports whether the entries of a layout's index.json are one image: a
// single one, or one a platform.
func isOneImage(entries []v1.Descriptor) bool {
	images, platforms := 0, map[string]bool{}
	for _, d := range entries {
		if !isImage(d) {
			continue
		}
		images++
		if d.Platform != nil {
			platforms[d.Platform.String()] = true
		}
	}
	return images <= 1 || len(platforms) == images
}

// only returns what a layout holds as one image: its single entry or, with one a
// platform, the whole.
func only(idx v1.ImageIndex, entries []v1.Descriptor) (*source, error) {
	entries = slices.DeleteFunc(slices.Clone(entries), func(d v1.Descriptor) bool { return !isImage(d) })
	if len(entries) == 1 {
		return fromIndex(idx, entries[0])
	}
	return &source{index: idx}, nil
}

func fromIndex(idx v1.ImageIndex, desc v1.Descriptor) (*source, error) {
	if desc.MediaType.IsIndex() {
		child, err := idx.ImageIndex(desc.Digest)
		return &source{index: child}, err
	}
	img, err := idx.Image(desc.Digest)
	return &source{image: img}, err
}
