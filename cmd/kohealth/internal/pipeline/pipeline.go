// Package pipeline builds images and publishes them, for every command that does: it puts
// together the flags, ko's builder and publisher with what package kocompat adds to them,
// package builder's check, and the report of what was built.
package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"

	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// BuildFlags are the flags of the commands that build images: ko's and kohealth's.
type BuildFlags struct {
	Po     *PublishFlags
	Bo     *options.BuildOptions
	Health *HealthFlags
	KoOnly bool // build what ko builds, whatever the check is
	dirs   kocompat.PackageDirs
	cache  *kocompat.KoCache

	Built func(build.Result) // is told what ko itself has built; nil means nobody
}

// SetBuildFlags puts the flags in the place of those that ko gave the command.
func SetBuildFlags(cmd *cobra.Command) *BuildFlags {
	f := &BuildFlags{Bo: &options.BuildOptions{}}
	cmd.ResetFlags()
	f.Po = AddPublishFlags(cmd)
	options.AddBuildOptions(cmd, f.Bo)
	f.Health = AddHealthFlags(cmd.Flags())
	CompleteHealth(cmd, f.Health)
	return f
}

// A Pipeline builds images and publishes them.
type Pipeline struct {
	Builder   *build.Caching
	Publisher *Publisher
	options   *options.BuildOptions
	Check     func(importpath string) (health.Check, error)
	dirs      kocompat.PackageDirs

	// environ is the user's environment, for programs that are not part of the build.
	Environ []string
}

// Run has do use a pipeline as the flags say, and cleans up after it.
func (f *BuildFlags) Run(ctx context.Context, v version.Info, do func(context.Context, *Pipeline) error) (err error) {
	if err := f.validate(ctx); err != nil {
		return fmt.Errorf("validating options: %w", err)
	}
	if err := CheckJobs(f.Bo.ConcurrentBuilds); err != nil {
		return err
	}
	if sbom := f.Bo.SBOM; sbom != "spdx" && sbom != "none" { // ko takes anything else for spdx
		log.Printf("warning: there is no --sbom=%s, only spdx and none; it will be spdx", sbom)
	}
	f.dirs = kocompat.PackageDirs{}
	environ := os.Environ()
	// The cache is another process's only when those of this build have ended.
	f.cache = kocompat.UseKoCache(files.CacheDir())
	defer func() { f.cache.Close(err == nil) }()
	err = f.Po.WithPublisher(ctx, f.Bo.WorkingDirectory, v, func(publisher *Publisher) error {
		f.Bo.InsecureRegistry = f.Po.InsecureRegistry
		checks, err := f.Health.Checks(f.Bo.WorkingDirectory)
		if err != nil {
			return err
		}
		b, err := f.newBuilder(ctx, checks, v)
		if err != nil {
			return err
		}
		return do(ctx, &Pipeline{b, publisher, f.Bo, checks.Of(f.Bo), f.dirs, environ})
	})
	if err != nil {
		return err
	}
	kocompat.PruneCache(f.cache)
	return nil
}

// CheckJobs refuses a number of jobs with which nothing would be done, or ko would panic.
func CheckJobs(jobs int) error {
	if jobs < 0 {
		return hint.With(fmt.Errorf("parsing --jobs=%d: want 1 or more", jobs), "0 means as many as there are processors")
	}
	return nil
}

// validate judges ko's flags together. ko's own warnings have several lines, and nobody
// else's words.
func (f *BuildFlags) validate(ctx context.Context) error {
	defer log.SetOutput(log.Writer())
	log.SetOutput(term.ProgressOf(ctx).Writer(os.Stderr))
	return options.Validate(f.Po.PublishOptions, f.Bo)
}

// Publish builds what args name, side by side, then publishes it, and returns it in
// the order of args. Nothing is published unless everything is built.
func (p *Pipeline) Publish(ctx context.Context, args []string) ([]Published, error) {
	importpaths, err := p.ImportPaths(ctx, args)
	if err != nil {
		return nil, err
	}
	results, err := p.Build(ctx, importpaths)
	if err != nil {
		return nil, err
	}
	return p.PublishBuilt(ctx, importpaths, results)
}

// Build builds import paths side by side, and returns the results in their order.
func (p *Pipeline) Build(ctx context.Context, importpaths []string) ([]build.Result, error) {
	results := make([]build.Result, len(importpaths))
	err := p.forEach(ctx, importpaths, func(ctx context.Context, i int) (err error) {
		results[i], err = p.Builder.Build(ctx, importpaths[i])
		if err != nil {
			return fmt.Errorf("building %q: %w", importpaths[i], explainBase(p.options, importpaths[i], err))
		}
		return nil
	})
	return results, err
}

// PublishBuilt publishes what was built of import paths.
func (p *Pipeline) PublishBuilt(ctx context.Context, importpaths []string, results []build.Result) ([]Published, error) {
	if p.Publisher.sideBySide(importpaths) {
		err := p.forEach(ctx, importpaths, func(ctx context.Context, i int) error {
			return p.Publisher.publishAhead(ctx, results[i], importpaths[i])
		})
		if err != nil {
			return nil, err
		}
	}
	var images []Published
	for i, importpath := range importpaths {
		ref, err := p.Publisher.Publish(ctx, results[i], importpath)
		if err != nil {
			return nil, err
		}
		images = append(images, Published{importpath, results[i], ref})
	}
	return images, nil
}

// forEach calls do for each import path, as many at once as there may be jobs. The
// first error ends the others.
func (p *Pipeline) forEach(ctx context.Context, importpaths []string, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.atOnce())
	for i := range importpaths {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, i)
		})
	}
	return g.Wait()
}

// atOnce is how many import paths are worked on at once. ko counts the platforms of
// all import paths together, but for those of builds[] each has a count of its own.
func (p *Pipeline) atOnce() int {
	jobs := cmp.Or(p.options.ConcurrentBuilds, runtime.GOMAXPROCS(0))
	if len(p.options.BuildConfigs) == 0 {
		return jobs
	}
	if slices.Contains(p.options.Platforms, "all") {
		return 1
	}
	return max(1, jobs/len(p.options.Platforms))
}
