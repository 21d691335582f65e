// Package builder answers: where do the health layers go? [Builder] decorates ko's own
// builder and rewrites the image or index that ko emits; [Base] does the same to images
// that ko did not build. For each platform:
//
//	base's layers | health layers | ko's layers
//
// The health layers lie beneath ko's, so that all versions of an app share them.
// The config gets a HEALTHCHECK, the history names the layers, and the SBOM names
// the new digest and what was added. Everything else stays as ko made it, and what
// ko lost of the base's config (fields that go-containerregistry does not know)
// comes back.
//
//	inner, err := commands.NewBuilder(ctx, buildOptions)
//	…
//	b := builder.New(inner, builder.Options{Check: checkOf, Compiler: &layers.Compiler{}})
//	result, err := b.Build(ctx, "ko://example.com/cmd/app") // a healthy image
//
// The way of an image leads through other packages, once:
//
//	read       package oci takes it apart
//	split      a subject, ko's result or somebody's image, says where its base ends
//	equip      package equip adds what the check needs there
//	assemble   package oci makes an image again, and package judge judges it
//	describe   package sbom says what was added
package builder

import (
	"context"
	"strings"

	"github.com/google/ko/pkg/build"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/sbom"
	"github.com/ko-health/kohealth/layers"
)

// A Builder is ko's builder with health checks.
type Builder struct {
	inner build.Interface
	opts  Options
}

var _ build.Interface = (*Builder)(nil)

// New returns a Builder that rewrites what inner, ko's own builder, emits.
func New(inner build.Interface, opts Options) *Builder {
	return &Builder{inner, opts.filled()}
}

// QualifyImport implements build.Interface.
func (b *Builder) QualifyImport(importpath string) (string, error) {
	return b.inner.QualifyImport(importpath)
}

// IsSupportedReference implements build.Interface.
func (b *Builder) IsSupportedReference(importpath string) error {
	return b.inner.IsSupportedReference(importpath)
}

// Build implements build.Interface. A check that is disabled leaves ko's result as
// it is, unless a format is asked for.
func (b *Builder) Build(ctx context.Context, importpath string) (build.Result, error) {
	path := strings.TrimPrefix(importpath, build.StrictScheme)
	check, err := b.opts.Check(path)
	if err != nil {
		return nil, err
	}
	if check.Disabled && b.opts.Format == oci.KeepFormat {
		result, err := b.inner.Build(ctx, importpath)
		return result, explain(err)
	}
	t := newTask(b.opts, check)
	t.of = path
	if err := t.tools.CheckPackages(check, t.Platforms); err != nil {
		return nil, err
	}
	if check.UsesProbe() && !check.Disabled {
		defer b.compileAhead(ctx, equip.Variant(check))()
	}
	result, err := b.inner.Build(ctx, importpath)
	if err != nil {
		return nil, explain(err)
	}
	out, err := t.rewrite(ctx, &built{t}, result)
	if err != nil {
		sbom.Drop(b.opts.SBOMDir, result)
	}
	return out, err
}

// compileAhead has the probes compiled while ko is busy. What goes wrong comes up
// when the probe is asked for. stop ends what nobody has asked for, and waits.
func (b *Builder) compileAhead(ctx context.Context, variant layers.Variant) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	g := b.opts.group()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range b.opts.Platforms {
			g.Go(func() error {
				_, _ = b.opts.Compiler.Probe(ctx, p, variant)
				return nil
			})
		}
		_ = g.Wait()
	}()
	return func() {
		cancel()
		<-done
	}
}
