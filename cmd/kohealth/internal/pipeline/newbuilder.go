package pipeline

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
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// newBuilder returns ko's builder with health checks.
func (f *BuildFlags) newBuilder(ctx context.Context, checks *checks, v version.Info) (*build.Caching, error) {
	bo := f.Bo
	goCmd, err := layers.FindGo(os.Getenv(kocompat.GoVariable))
	if err != nil {
		return nil, err
	}
	if bo.Debug {
		warnOfDebugger(checks)
	}
	kocompat.ShortenGo(ctx, goCmd)
	inner, err := commands.NewBuilder(ctx, bo)
	if err != nil {
		return nil, explainEntries(fmt.Errorf("creating builder: %w", err))
	}
	if err := kocompat.DropKoCache(bo); err != nil {
		return nil, err
	}
	var names []name.Option
	if bo.InsecureRegistry {
		names = []name.Option{name.Insecure}
	}
	inner = observed{kocompat.MountBases(kocompat.EndKodata(kocompat.KeepWithin(inner, f.cache), bo, f.dirs), names), f.Built}
	if f.KoOnly {
		return build.NewCaching(inner)
	}
	o := BuilderOptions(ctx, goCmd, checks, v)
	o.Check = checks.Of(bo)
	o.Jobs = bo.ConcurrentBuilds
	o.Platforms = namedPlatforms(bo.Platforms)
	o.SBOMDir = bo.SBOMDir
	o.Remote = registry.Options(v)
	o.Name = names
	b := builder.New(inner, o)
	return build.NewCaching(watched{b, term.ProgressOf(ctx)})
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

// BuilderOptions are those that every command has which adds checks.
func BuilderOptions(ctx context.Context, goCmd string, checks *checks, v version.Info) builder.Options {
	transport := term.ProgressOf(ctx).Transport(http.DefaultTransport, "downloading packages", "")
	return builder.Options{
		Compiler: NewCompiler(ctx, goCmd),
		Packages: &apk.Client{Cache: files.CacheDir(), UserAgent: v.UserAgent(), HTTP: &http.Client{Transport: transport}, Logf: log.Printf},
		Format:   checks.format,
		Version:  v.Kohealth,
		Cache:    files.CacheDir().Sub("base"),
		Logf:     log.Printf,
	}
}

// NewCompiler returns what compiles the probe with a go command.
func NewCompiler(ctx context.Context, goCmd string) *layers.Compiler {
	begin := func() (end func()) { return term.ProgressOf(ctx).Begin("compiling", "the probe").End }
	return &layers.Compiler{Go: goCmd, Cache: files.CacheDir(), Logf: log.Printf, Begin: begin}
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
	*term.Progress
}

func (w watched) Build(ctx context.Context, importpath string) (build.Result, error) {
	defer w.Begin("building", path.Base(importpath)).End()
	return w.Interface.Build(ctx, importpath)
}
