package builder

import (
	"cmp"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
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
	Format oci.Format

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

// group returns a group of as many goroutines as there may be jobs.
func (o *Options) group() *errgroup.Group {
	g := new(errgroup.Group)
	g.SetLimit(cmp.Or(o.Jobs, runtime.GOMAXPROCS(0)))
	return g
}
