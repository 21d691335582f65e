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

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/builder/health"
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
	if bo.Debug {
		warnOfDebugger(checks)
	}
	shortenGo(ctx, goCmd)
	inner, err := commands.NewBuilder(ctx, bo)
	if err != nil {
		return nil, fmt.Errorf("creating builder: %w", err)
	}
	if err := dropKoCache(bo); err != nil {
		return nil, err
	}
	var names []name.Option
	if bo.InsecureRegistry {
		names = []name.Option{name.Insecure}
	}
	inner = observed{mountBases(endKodata(keepWithin(inner, f.cache), bo, f.dirs), names), f.built}
	if f.koOnly {
		return build.NewCaching(inner)
	}
	o := builderOptions(ctx, goCmd, checks, v)
	o.Check = checks.of(bo)
	o.Jobs = bo.ConcurrentBuilds
	o.Platforms = namedPlatforms(bo.Platforms)
	o.SBOMDir = bo.SBOMDir
	o.Remote = remoteOptions(v)
	o.Name = names
	b := builder.New(inner, o)
	return build.NewCaching(watched{b, progressOf(ctx)})
}

// warnOfDebugger says what becomes of a check while a debugger waits: only auto takes
// that into account.
func warnOfDebugger(checks *checks) {
	for _, id := range append(checks.file.Builds(), health.BuildID{}) {
		if test := checks.said.Over(checks.file.For(id)).Test; test != nil && test.String() != health.DefaultTest {
			log.Printf("warning: with --debug the app waits for a debugger, so the check %s fails, and the container may be stopped; --health=auto or --no-healthcheck goes with it", test)
			return
		}
	}
}

// builderOptions are those that every command has which adds checks.
func builderOptions(ctx context.Context, goCmd string, checks *checks, v versions) builder.Options {
	transport := progressOf(ctx).transport(http.DefaultTransport, "downloading packages", "")
	return builder.Options{
		Compiler: newCompiler(ctx, goCmd),
		Packages: &apk.Client{Cache: cacheDir(), UserAgent: v.userAgent(), HTTP: &http.Client{Transport: transport}, Logf: log.Printf},
		Format:   checks.format,
		Version:  v.kohealth,
		Cache:    cacheDir().Sub("base"),
		Logf:     log.Printf,
	}
}

// newCompiler returns what compiles the probe with a go command.
func newCompiler(ctx context.Context, goCmd string) *layers.Compiler {
	begin := func() (end func()) { return progressOf(ctx).begin("compiling", "the probe").end }
	return &layers.Compiler{Go: goCmd, Cache: cacheDir(), Logf: log.Printf, Begin: begin}
}

// observed is ko's builder, which tells what it has built.
type observed struct {
	build.Interface
	built func(build.Result)
}

func (b observed) Build(ctx context.Context, importpath string) (build.Result, error) {
	result, err := b.Interface.Build(ctx, importpath)
	if err == nil && b.built != nil {
		b.built(result)
	}
	return result, err
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
