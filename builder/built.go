package builder

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"

	"github.com/ko-health/kohealth/builder/oci"
)

// built is what ko has built: the health layers lie beneath ko's.
type built struct{ *task }

var _ subject = (*built)(nil)

func (b *built) split(img *oci.Image) error { return img.SplitAtKo() }

// equip keeps what ko lost of the base's config, and the base's check if nothing is
// configured and that is kohealth's.
func (b *built) equip(ctx context.Context, d *draft) error {
	if err := d.UTC(); err != nil {
		return err
	}
	base, err := b.baseConfig(ctx, d.Manifest.Annotations)
	if err != nil {
		return err
	}
	if err := d.Config.KeepUnknown(base); err != nil {
		return err
	}
	old, err := base.Healthcheck()
	if err != nil {
		return err
	}
	if old != nil && d.HasMarks() && !b.check.Chosen {
		b.say("health: nothing is configured, so the base image's check stays: %s", old)
		return d.Config.SetHealthcheck(old)
	}
	if old != nil {
		b.say("health: the base image's own HEALTHCHECK is replaced: %s", old)
	}
	if err := b.task.equip(ctx, d); err != nil {
		return err
	}
	return b.note(d.added)
}

func (b *built) describe(out cosign.SignedImage, d *draft) (cosign.SignedImage, error) {
	return b.sboms.UpdateImage(d.old, out, d.added)
}

func (b *built) describeIndex(out, old cosign.SignedImageIndex) (cosign.SignedImageIndex, error) {
	return b.sboms.UpdateIndex(old, out)
}

func (b *built) indexAnnotations(old *v1.IndexManifest) map[string]string { return old.Annotations }

func (b *built) entryAnnotations(had map[string]string, _ v1.Image) (map[string]string, error) {
	return had, nil
}
