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
