package builder

import (
	"context"
	"errors"

	"github.com/google/ko/pkg/build"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
)

// BaseOptions say what [Base] adds and with what.
type BaseOptions struct {
	Options                // Check is asked for the import path ""
	Open    images.Options // how images are opened; without a platform
	Program *equip.Program // checks in the place of the probe; nil means the probe does
	SBOM    string         // the beginning of the names of SBOM files; "" means no SBOM
}

// Base gives a health check to images that ko did not build: as a base for ko or a
// Dockerfile, or because they are somebody else's. Running Base on its own output replaces
// its layers; the same check and probe give identical bytes.
func Base(ctx context.Context, set *images.Set, bo BaseOptions) (build.Result, error) {
	check, err := bo.Check("")
	if err != nil {
		return nil, err
	}
	if check.Disabled {
		return nil, hint.With(errors.New("adding health check: it is disabled"),
			`remove --no-healthcheck and disable: true; --health='["NONE"]' switches off the image's own check`)
	}
	if bo.Program != nil {
		if err := bo.Program.RunBy(check); err != nil {
			return nil, err
		}
	}
	t := newTask(bo.filled(), check)
	t.awaitsApp = true
	t.tools.Program, t.tools.Images = bo.Program, bo.Open
	if p := bo.Program; p != nil {
		t.by = p.Path + " of " + images.Redact(p.Image)
	}
	s, err := newForeign(t, set, bo.SBOM)
	if err != nil {
		return nil, err
	}
	if set.Index != nil {
		return t.rewrite(ctx, s, signed.ImageIndex(set.Index))
	}
	return t.rewrite(ctx, s, signed.Image(set.Image))
}
