package builder

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
)

// A subject is what gets a check: ko's result, or somebody's image.
type subject interface {
	// split ends an image's base where the health layers go.
	split(*oci.Image) error

	// equip adds the check and what it needs.
	equip(context.Context, *draft) error

	// describe attaches an SBOM to the image that has come of a draft.
	describe(cosign.SignedImage, *draft) (cosign.SignedImage, error)

	// describeIndex attaches an SBOM to the index that has come of an old one.
	describeIndex(out, old cosign.SignedImageIndex) (cosign.SignedImageIndex, error)

	// indexAnnotations returns those of the index that comes of an old one.
	indexAnnotations(old *v1.IndexManifest) map[string]string

	// entryAnnotations returns those of an image's entry in an index, which had others.
	entryAnnotations(had map[string]string, img v1.Image) (map[string]string, error)

	// awaitsApp reports whether ko may yet add an app.
	awaitsApp() bool
}

// A draft is the image of one platform while it is rewritten.
type draft struct {
	*oci.Image
	old      cosign.SignedImage // that was read
	platform v1.Platform
	check    health.Check // in the end, as it stands in the image
	added    equip.Added
	kept     bool // what an earlier kohealth added stays, and its SBOM says what that is
}

// equip adds what the draft's check needs, and takes the check as it is then.
func (t *task) equip(ctx context.Context, d *draft) (err error) {
	d.added, err = t.tools.Equip(ctx, d.Image, d.platform, d.check)
	d.check = d.added.Check
	if err != nil {
		return err
	}
	return d.Config.SetHealthcheck(d.check.ConfigOn(d.platform.OS))
}
