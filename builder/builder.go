// Package builder answers: where do the health layers go? It decorates ko's own
// builder and rewrites the image or index that ko emits. For each platform:
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
package builder

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
	"github.com/ko-health/kohealth/layers/cache"
)

// Options say what a Builder adds and with what. Check and Compiler are required.
type Options struct {
	// Check returns the health check of an import path, which is without "ko://".
	Check func(importpath string) (health.Check, error)

	// Compiler compiles the probe.
	Compiler *layers.Compiler

	// Packages fetches packages, for the checks that need some; nil means a client without
	// a cache.
	Packages *apk.Client

	// Jobs is how many platforms are worked on at once; 0 means GOMAXPROCS.
	Jobs int

	// Format of the result; the zero value keeps the base image's.
	Format Format

	// Platforms are those that are known beforehand: their probes are compiled
	// while ko compiles the app.
	Platforms []v1.Platform

	// SBOMDir is where ko writes its SBOMs; they are brought up to date there.
	SBOMDir string

	// Version is kohealth's own, for the SBOM.
	Version string

	// Cache keeps what was read of base images.
	Cache cache.Dir

	// Name and Remote say how base images are named and reached.
	Name   []name.Option
	Remote []remote.Option

	// Logf is told what was added, a line each; nil means nobody.
	Logf func(format string, args ...any)
}

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

// filled returns the options with what may be left out.
func (o Options) filled() Options {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Packages == nil {
		o.Packages = &apk.Client{}
	}
	return o
}

// files is where what was read of layers is kept.
func (o *Options) files() cache.Dir { return o.Cache.Sub("files") }

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
	if check.Disabled && b.opts.Format == KeepFormat {
		result, err := b.inner.Build(ctx, importpath)
		return result, explain(err)
	}
	for _, w := range check.Warnings() {
		b.opts.Logf("warning: %s", w)
	}
	if err := b.checkPackages(check); err != nil {
		return nil, err
	}
	if check.UsesProbe() && !check.Disabled {
		defer b.compileAhead(ctx, variantFor(check))()
	}
	result, err := b.inner.Build(ctx, importpath)
	if err != nil {
		return nil, explain(err)
	}
	r := &rewriter{Options: b.opts, check: check, importpath: path, documents: map[string][]byte{}}
	out, err := r.rewrite(ctx, result)
	if err != nil {
		dropSBOMs(b.opts.SBOMDir, result)
		return nil, fmt.Errorf("adding health check: %w", err)
	}
	if err := r.writeSBOMs(); err != nil {
		return nil, err
	}
	r.report()
	return out, nil
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

// group returns a group of as many goroutines as there may be jobs.
func (o *Options) group() *errgroup.Group {
	g := new(errgroup.Group)
	g.SetLimit(cmp.Or(o.Jobs, runtime.GOMAXPROCS(0)))
	return g
}

// explain adds the next step to an error of ko's.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "no matching platforms in base image index"),
		strings.Contains(err.Error(), "does not match desired platforms"):
		return hint.With(err, "ask for a platform that the base image has, or set KO_DEFAULTBASEIMAGE="+layers.StaticRef+
			", kohealth's own, which has every Linux platform")
	case strings.Contains(err.Error(), "fetching base image") && strings.Contains(err.Error(), "_UNKNOWN"):
		return hint.With(err, "check the name and tag in KO_DEFAULTBASEIMAGE, defaultBaseImage or baseImageOverrides")
	case strings.Contains(err.Error(), "fetching base image") &&
		(strings.Contains(err.Error(), "UNAUTHORIZED") || strings.Contains(err.Error(), "DENIED")):
		return hint.With(err, "log in with kohealth login REGISTRY, and check the name in KO_DEFAULTBASEIMAGE, defaultBaseImage or baseImageOverrides")
	case strings.Contains(err.Error(), "fetching base image"):
		return hint.With(err, "set KO_DEFAULTBASEIMAGE="+layers.StaticRef+" for the base image inside kohealth, which needs no network")
	}
	return err
}
