package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// newBuilder returns ko's builder with health checks.
func (f *buildFlags) newBuilder(ctx context.Context, checks *checks, v versions) (*build.Caching, error) {
	bo := f.bo
	goCmd, err := layers.FindGo(os.Getenv(goVariable))
	if err != nil {
		return nil, err
	}
	shortenGo(ctx, goCmd)
	inner, err := commands.NewBuilder(ctx, bo)
	if err != nil {
		return nil, fmt.Errorf("creating builder: %w", err)
	}
	if err := dropKoCache(bo); err != nil {
		return nil, err
	}
	if f.koOnly {
		return build.NewCaching(withinCache{inner})
	}
	b := builder.New(withinCache{inner}, builder.Options{
		Check:     checks.of(bo),
		Compiler:  newCompiler(ctx, goCmd),
		Packages:  newPackages(ctx, v),
		Format:    checks.format,
		Jobs:      bo.ConcurrentBuilds,
		Platforms: namedPlatforms(bo.Platforms),
		SBOMDir:   bo.SBOMDir,
		Version:   v.kohealth,
		Cache:     cacheDir().Sub("base"),
		Name:      nameOptions(bo),
		Remote:    remoteOptions(v),
		Logf:      log.Printf,
	})
	return build.NewCaching(watched{b, progressOf(ctx)})
}

func nameOptions(bo *options.BuildOptions) []name.Option {
	if bo.InsecureRegistry {
		return []name.Option{name.Insecure}
	}
	return nil
}

// newCompiler returns what compiles the probe with a go command.
func newCompiler(ctx context.Context, goCmd string) *layers.Compiler {
	begin := func() (end func()) { return progressOf(ctx).begin("compiling", "the probe").end }
	return &layers.Compiler{Go: goCmd, Cache: cacheDir(), Logf: log.Printf, Begin: begin}
}

// newPackages returns what fetches packages.
func newPackages(ctx context.Context, v versions) *apk.Client {
	transport := progressOf(ctx).transport(http.DefaultTransport, "downloading packages", "")
	return &apk.Client{Cache: cacheDir(), UserAgent: v.userAgent(), HTTP: &http.Client{Transport: transport}}
}

// watched is a builder that shows what it builds.
type watched struct {
	build.Interface
	*progress
}

func (w watched) Build(ctx context.Context, importpath string) (build.Result, error) {
	defer w.begin("building", path.Base(importpath)).end()
	return w.Interface.Build(ctx, importpath)
}
