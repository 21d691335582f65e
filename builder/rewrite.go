package builder

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/ko/pkg/build"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"

	"github.com/ko-health/kohealth/builder/oci"
)

// A rewriter rewrites the images of one subject.
type rewriter struct {
	*task
	subject subject
}

// rewrite rewrites an image or an index of images, writes its SBOMs and reports.
func (t *task) rewrite(ctx context.Context, s subject, in build.Result) (out build.Result, err error) {
	r := &rewriter{t, s}
	switch in := in.(type) {
	case cosign.SignedImage:
		out, err = r.image(ctx, in, nil)
	case cosign.SignedImageIndex:
		out, err = r.index(ctx, in)
	default:
		err = fmt.Errorf("rewriting %T: neither image nor index", in)
	}
	if err != nil {
		return nil, fmt.Errorf("adding health check: %w", err)
	}
	if err := t.sboms.Write(); err != nil {
		return nil, err
	}
	t.summarise(t.Platforms, t.check)
	return out, nil
}

func (r *rewriter) index(ctx context.Context, idx cosign.SignedImageIndex) (cosign.SignedImageIndex, error) {
	im, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	mt, err := r.Format.MediaType(im.MediaType)
	if err != nil {
		return nil, err
	}
	adds := make([]ocimutate.IndexAddendum, len(im.Manifests))
	g := r.group()
	for i, desc := range im.Manifests {
		g.Go(func() (err error) {
			adds[i], err = r.child(ctx, idx, desc)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	bare := mutate.Annotations(mutate.IndexMediaType(empty.Index, mt), r.subject.indexAnnotations(im)).(v1.ImageIndex)
	return r.subject.describeIndex(ocimutate.AppendManifests(bare, adds...), idx)
}

// child rewrites one image of an index. Its descriptor keeps what ko said of it.
func (r *rewriter) child(ctx context.Context, idx cosign.SignedImageIndex, desc v1.Descriptor) (ocimutate.IndexAddendum, error) {
	img, err := idx.SignedImage(desc.Digest)
	if err != nil {
		return ocimutate.IndexAddendum{}, fmt.Errorf("reading image %q: %w", desc.Digest, err)
	}
	out, err := r.image(ctx, img, desc.Platform)
	if err != nil {
		return ocimutate.IndexAddendum{}, err
	}
	mt, err := out.MediaType()
	if err != nil {
		return ocimutate.IndexAddendum{}, err
	}
	annotations, err := r.subject.entryAnnotations(desc.Annotations, out)
	return ocimutate.IndexAddendum{Add: out, Descriptor: v1.Descriptor{
		MediaType:   mt,
		Platform:    desc.Platform,
		Annotations: annotations,
		URLs:        desc.URLs,
	}}, err
}

// image rewrites the image of one platform, which is what the index says or, of an
// image that stands alone, its config.
func (r *rewriter) image(ctx context.Context, img cosign.SignedImage, platform *v1.Platform) (cosign.SignedImage, error) {
	if platform == nil {
		cf, err := img.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading image config: %w", err)
		}
		platform = r.platformOf(cf)
	}
	r.count(*platform)
	if r.check.Disabled && r.Format == oci.KeepFormat {
		return img, nil
	}
	d := &draft{old: img, platform: *platform, check: r.check}
	out, err := r.rebuild(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", platform, err)
	}
	return r.subject.describe(signed.Image(out), d)
}

// rebuild reads an image, splits it, equips it unless it gets no check, and assembles it
// with the media types that are wanted.
func (r *rewriter) rebuild(ctx context.Context, d *draft) (out v1.Image, err error) {
	if d.Image, err = oci.Read(d.old); err != nil {
		return nil, err
	}
	if err := r.subject.split(d.Image); err != nil {
		return nil, err
	}
	if r.check.Disabled {
		return d.Assemble(r.Format)
	}
	if err := r.subject.equip(ctx, d); err != nil {
		return nil, err
	}
	if out, err = d.Assemble(r.Format); err != nil {
		return nil, err
	}
	return out, r.judge(ctx, d, out)
}
