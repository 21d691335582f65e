package builder

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/ko/pkg/build"
	"github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/images"
)

// A rewriter rewrites one result of ko's.
type rewriter struct {
	Options
	check      health.Check
	importpath string    // of ko's
	original   *original // what is rewritten; nil if it is ko's

	mu        sync.Mutex
	documents map[string][]byte // SBOM files to write
	platforms []v1.Platform     // of the images that there are
	said      []string
	added     bool    // some platform got the check
	probes    []int64 // compressed sizes, one a platform
}

// rewrite rewrites an image or an index of images, and its SBOMs.
func (r *rewriter) rewrite(ctx context.Context, result build.Result) (build.Result, error) {
	switch result := result.(type) {
	case oci.SignedImage:
		return r.image(ctx, result, nil)
	case oci.SignedImageIndex:
		return r.index(ctx, result)
	}
	return nil, fmt.Errorf("rewriting %T: neither image nor index", result)
}

func (r *rewriter) index(ctx context.Context, idx oci.SignedImageIndex) (build.Result, error) {
	im, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	mt, err := r.Format.mediaType(im.MediaType)
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
	bare := mutate.Annotations(mutate.IndexMediaType(empty.Index, mt), r.indexAnnotations(im)).(v1.ImageIndex)
	out := ocimutate.AppendManifests(bare, adds...)
	return r.describeIndex(idx, out)
}

// child rewrites one image of an index. Its descriptor keeps what ko said of it.
func (r *rewriter) child(ctx context.Context, idx oci.SignedImageIndex, desc v1.Descriptor) (ocimutate.IndexAddendum, error) {
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
	annotations, err := r.entryAnnotations(desc.Annotations, out)
	return ocimutate.IndexAddendum{Add: out, Descriptor: v1.Descriptor{
		MediaType:   mt,
		Platform:    desc.Platform,
		Annotations: annotations,
		URLs:        desc.URLs,
	}}, err
}

// image rewrites the image of one platform, which is what the index says or, of an
// image that stands alone, its config.
func (r *rewriter) image(ctx context.Context, img oci.SignedImage, platform *v1.Platform) (oci.SignedImage, error) {
	if platform == nil {
		cf, err := img.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading image config: %w", err)
		}
		platform = r.platformOf(cf)
	}
	r.built(*platform)
	if platform.OS == "windows" && !r.check.Disabled {
		r.say("health: images for Windows stay as they are: there is no probe for Windows yet")
	}
	if r.leaves(*platform) && r.Format == KeepFormat {
		return img, nil
	}
	out, a, err := r.rebuild(ctx, img, *platform)
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", platform, err)
	}
	return r.describe(img, signed.Image(out), *platform, a)
}

// leaves tells whether images of a platform get no check.
func (r *rewriter) leaves(p v1.Platform) bool { return r.check.Disabled || p.OS == "windows" }

// platformOf returns the platform that ko has compiled for. Like ko it takes a config
// that names none for linux/amd64, and the variant may be known from what was asked
// for only.
func (r *rewriter) platformOf(cf *v1.ConfigFile) *v1.Platform {
	p := v1.Platform{
		OS:           cmp.Or(cf.OS, "linux"),
		Architecture: cmp.Or(cf.Architecture, "amd64"),
		OSVersion:    cf.OSVersion,
		Variant:      cf.Variant,
	}
	for _, asked := range r.Platforms {
		if p.Variant == "" && asked.OS == p.OS && asked.Architecture == p.Architecture {
			p.Variant = asked.Variant
		}
	}
	return &p
}

// rebuild puts the image together again with the health layers, the check and the
// media types that are wanted, and says what was added.
func (r *rewriter) rebuild(ctx context.Context, img v1.Image, platform v1.Platform) (v1.Image, added, error) {
	d, err := r.newDraft(img, platform)
	if err != nil {
		return nil, added{}, err
	}
	switch {
	case r.leaves(platform):
	case r.original != nil:
		err = r.addToOriginal(ctx, img, d)
	default:
		if err = d.utc(); err == nil {
			err = r.addHealth(ctx, d)
		}
	}
	if err != nil {
		return nil, added{}, err
	}
	out, err := r.assemble(d)
	if err == nil && !r.leaves(platform) {
		err = r.judge(ctx, d, out)
	}
	return out, d.added, err
}

// say tells the user something once, however many platforms it is true of.
func (r *rewriter) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.said, line) {
		r.said = append(r.said, line)
		r.Logf("%s", line)
	}
}

func (r *rewriter) built(p v1.Platform) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.platforms = append(r.platforms, p)
}

// missing tells whether a platform was asked for and is not there. ko fails only if
// none is. A config need not say the variant that the base's index says.
func (r *rewriter) missing(asked v1.Platform) bool {
	return !slices.ContainsFunc(r.platforms, func(p v1.Platform) bool {
		sameVariant := p.Variant == asked.Variant || p.Variant == "" || asked.Variant == ""
		return p.OS == asked.OS && p.Architecture == asked.Architecture && sameVariant
	})
}

// report says in one line what was added.
func (r *rewriter) report() {
	for _, p := range r.Platforms {
		if r.missing(p) {
			r.say("warning: the base image has no %s, so there is no image for it", p)
		}
	}
	if !r.added {
		return
	}
	line := fmt.Sprintf("health: %s", r.check)
	if !r.check.Chosen {
		line += " (default)"
	}
	if r.original != nil && r.original.Program != nil {
		line += fmt.Sprintf("; %s of %s", r.original.Program.Path, images.Redact(r.original.Program.Image))
	}
	if len(r.probes) > 0 {
		line += fmt.Sprintf("; %s %d KB", health.ProbePath, (slices.Max(r.probes)+500)/1000)
	}
	if len(r.probes) > 1 {
		line += fmt.Sprintf(" on each of %d platforms", len(r.probes))
	}
	if r.importpath != "" {
		line += " for " + r.importpath
	}
	r.say("%s", line)
}
