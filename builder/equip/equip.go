// Package equip gives an image what its check needs in it: the probe and its arguments,
// packages, or a program of another image. The caller writes the check that comes of it
// into the image.
//
//	got, err := tools.Equip(ctx, img, platform, check)
//	…
//	img.Config.SetHealthcheck(got.Check.Config())
package equip

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
	"github.com/ko-health/kohealth/layers/cache"
)

// Tools are what images are equipped with. All but Program, Images, Format and Files are
// required.
type Tools struct {
	Compiler Compiler
	Packages *apk.Client
	Program  *Program       // checks in the place of the probe; nil means the probe does
	Images   images.Options // how the image of a program is opened; without a platform
	Format   oci.Format     // of the image that comes of it
	Files    cache.Dir      // keeps what was read of layers

	// Say is told what was added, a line each.
	Say func(format string, args ...any)
}

// A Compiler makes the probe, and layers. [layers.Compiler] is one.
type Compiler interface {
	Probe(ctx context.Context, platform v1.Platform, variant layers.Variant) ([]byte, error)
	Layer(files []layers.File, mediaType types.MediaType) (v1.Layer, error)
}

var _ Compiler = (*layers.Compiler)(nil)

// Added is what an image has got.
type Added struct {
	Check    health.Check   // as it is to stand in the image
	Probe    v1.Layer       // nil if there is none
	ProbeAt  string         // where it is in the image
	Packages v1.Layer       // nil if there are none
	List     []*apk.Package // what is in Packages
}

// Equip puts what a check needs on top of an image's base, in place of what an earlier
// kohealth left there. A check that calls the probe as a program becomes the probe's.
func (t *Tools) Equip(ctx context.Context, img *oci.Image, platform v1.Platform, check health.Check) (Added, error) {
	w := &work{Tools: t, img: img, platform: platform, added: Added{Check: check}}
	if err := w.takeArguments(); err != nil {
		return w.added, err
	}
	img.DropMarked()
	if check.Test.Kind == health.None {
		return w.added, nil
	}
	err := w.equip(ctx)
	return w.added, err
}

// work is the equipping of one image.
type work struct {
	*Tools
	img      *oci.Image
	platform v1.Platform
	added    Added
}

func (w *work) equip(ctx context.Context) error {
	if w.platform.OS == "windows" {
		return w.equipWindows(ctx)
	}
	base, err := rootfs.Read(w.img.Base(), w.Files)
	if err != nil {
		return err
	}
	image, err := w.addPackages(ctx, base)
	if err != nil {
		return err
	}
	if w.Program != nil {
		return w.addProgram(ctx, image)
	}
	needed, err := w.takeProbe(base)
	if err != nil || !needed {
		return err
	}
	return w.addProbe(ctx, base)
}

// insert puts a layer of files on top of the base.
func (w *work) insert(files []layers.File, comment string) (v1.Layer, error) {
	mt, err := w.Format.LayerType(w.img.Manifest.MediaType)
	if err != nil {
		return nil, err
	}
	l, err := w.Compiler.Layer(files, mt)
	if err != nil {
		return nil, err
	}
	return l, w.img.Insert(l, comment)
}

// putAll notes files in a file system that is to have them.
func putAll(image *rootfs.FS, files []layers.File) {
	for _, f := range files {
		image.Put(f.Path, f.Mode, f.Linkname)
	}
}
