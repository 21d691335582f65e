package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/builder/ecr"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// buildFlags are the flags of the commands that build images: ko's and kohealth's.
type buildFlags struct {
	po     *publishFlags
	bo     *options.BuildOptions
	health *healthFlags
	koOnly bool // build what ko builds, whatever the check is
}

// setBuildFlags puts the flags in the place of those that ko gave the command.
func setBuildFlags(cmd *cobra.Command) *buildFlags {
	f := &buildFlags{bo: &options.BuildOptions{}}
	cmd.ResetFlags()
	f.po = addPublishFlags(cmd)
	options.AddBuildOptions(cmd, f.bo)
	f.health = addHealthFlags(cmd.Flags())
	completeHealth(cmd, f.health)
	return f
}

// A pipeline builds images and publishes them.
type pipeline struct {
	builder   *build.Caching
	publisher *publisher
	options   *options.BuildOptions
	check     func(importpath string) (health.Check, error)

	// environ is the user's environment, for programs that are not part of the build.
	environ []string
}

// run has do use a pipeline as the flags say, and cleans up after it.
func (f *buildFlags) run(ctx context.Context, v versions, do func(context.Context, *pipeline) error) (err error) {
	if err := options.Validate(f.po.PublishOptions, f.bo); err != nil {
		return fmt.Errorf("validating options: %w", err)
	}
	if sbom := f.bo.SBOM; sbom != "spdx" && sbom != "none" { // ko takes anything else for spdx
		log.Printf("warning: there is no --sbom=%s, only spdx and none; it will be spdx", sbom)
	}
	environ := os.Environ()
	// The cache is another process's only when those of this build have ended.
	kept := useKoCache(cacheDir())
	defer func() { kept.close(err == nil) }()
	err = withPublisher(ctx, f.po, f.bo.WorkingDirectory, v, func(publisher *publisher) error {
		f.bo.InsecureRegistry = f.po.InsecureRegistry
		checks, err := f.health.checks(f.bo.WorkingDirectory)
		if err != nil {
			return err
		}
		b, err := f.newBuilder(ctx, checks, v)
		if err != nil {
			return err
		}
		return do(ctx, &pipeline{b, publisher, f.bo, checks.of(f.bo), environ})
	})
	if err != nil {
		return err
	}
	pruneCache(kept)
	return nil
}

// withPublisher has do use a publisher, and cleans up after it. The .ko.yaml is in dir.
func withPublisher(ctx context.Context, po *publishFlags, dir string, v versions, do func(*publisher) error) (err error) {
	ecrOptions, err := po.ecr.options(dir)
	if err != nil {
		return err
	}
	leave, err := enter(ctx)
	if err != nil {
		return err
	}
	defer func() { leave(err == nil) }()
	transport := resending{interruptible{ctx, registries(ctx, ecr.Transport(remote.DefaultTransport, ecrOptions))}}
	if !po.InsecureRegistry { // then the publisher has to find a transport of net/http's own
		remote.DefaultTransport = transport
	}
	publisher, err := newPublisher(po.PublishOptions, v)
	if err != nil {
		return err
	}
	remote.DefaultTransport = transport
	if err := do(publisher); err != nil {
		return err
	}
	return publisher.Close() // it writes the tarball
}

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
		Remote:    []remote.Option{remote.WithAuthFromKeychain(newKeychain()), remote.WithUserAgent("kohealth/" + v.kohealth)},
		Logf:      log.Printf,
	})
	return build.NewCaching(watched{b, progressOf(ctx)})
}

// newCompiler returns what compiles the probe with a go command.
func newCompiler(ctx context.Context, goCmd string) *layers.Compiler {
	begin := func() (end func()) { return progressOf(ctx).begin("compiling", "the probe").end }
	return &layers.Compiler{Go: goCmd, Cache: cacheDir(), Logf: log.Printf, Begin: begin}
}

// newPackages returns what fetches packages.
func newPackages(ctx context.Context, v versions) *apk.Client {
	transport := progressOf(ctx).transport(http.DefaultTransport, "downloading packages", "")
	return &apk.Client{Cache: cacheDir(), UserAgent: "kohealth/" + v.kohealth, HTTP: &http.Client{Transport: transport}, Logf: log.Printf}
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

func nameOptions(bo *options.BuildOptions) []name.Option {
	if bo.InsecureRegistry {
		return []name.Option{name.Insecure}
	}
	return nil
}

// namedPlatforms returns the platforms that are asked for by name, if they all are.
func namedPlatforms(specs []string) []v1.Platform {
	var platforms []v1.Platform
	for _, spec := range specs {
		p, err := v1.ParsePlatform(spec)
		if err != nil || p.OS == "" || p.Architecture == "" {
			return nil
		}
		platforms = append(platforms, *p)
	}
	return platforms
}
