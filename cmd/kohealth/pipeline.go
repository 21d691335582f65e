package main

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
)

// buildFlags are the flags of the commands that build images: ko's and kohealth's.
type buildFlags struct {
	po     *publishFlags
	bo     *options.BuildOptions
	health *healthFlags
	koOnly bool // build what ko builds, whatever the check is
	dirs   packageDirs
	cache  *koCache

	built func(build.Result) // is told what ko itself has built; nil means nobody
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
	dirs      packageDirs

	// environ is the user's environment, for programs that are not part of the build.
	environ []string
}

// run has do use a pipeline as the flags say, and cleans up after it.
func (f *buildFlags) run(ctx context.Context, v versions, do func(context.Context, *pipeline) error) (err error) {
	if err := f.validate(ctx); err != nil {
		return fmt.Errorf("validating options: %w", err)
	}
	if err := checkJobs(f.bo.ConcurrentBuilds); err != nil {
		return err
	}
	if sbom := f.bo.SBOM; sbom != "spdx" && sbom != "none" { // ko takes anything else for spdx
		log.Printf("warning: there is no --sbom=%s, only spdx and none; it will be spdx", sbom)
	}
	f.dirs = packageDirs{}
	environ := os.Environ()
	// The cache is another process's only when those of this build have ended.
	f.cache = useKoCache(cacheDir())
	defer func() { f.cache.close(err == nil) }()
	err = f.po.withPublisher(ctx, f.bo.WorkingDirectory, v, func(publisher *publisher) error {
		f.bo.InsecureRegistry = f.po.InsecureRegistry
		checks, err := f.health.checks(f.bo.WorkingDirectory)
		if err != nil {
			return err
		}
		b, err := f.newBuilder(ctx, checks, v)
		if err != nil {
			return err
		}
		return do(ctx, &pipeline{b, publisher, f.bo, checks.of(f.bo), f.dirs, environ})
	})
	if err != nil {
		return err
	}
	pruneCache(f.cache)
	return nil
}

// checkJobs refuses a number of jobs with which nothing would be done, or ko would panic.
func checkJobs(jobs int) error {
	if jobs < 0 {
		return hint.With(fmt.Errorf("parsing --jobs=%d: want 1 or more", jobs), "0 means as many as there are processors")
	}
	return nil
}

// validate judges ko's flags together. ko's own warnings have several lines, and nobody
// else's words.
func (f *buildFlags) validate(ctx context.Context) error {
	defer log.SetOutput(log.Writer())
	log.SetOutput(progressOf(ctx).writer(os.Stderr))
	return options.Validate(f.po.PublishOptions, f.bo)
}

// publish builds what args name, side by side, then publishes it, and returns it in
// the order of args. Nothing is published unless everything is built.
func (p *pipeline) publish(ctx context.Context, args []string) ([]published, error) {
	importpaths, err := p.importPaths(ctx, args)
	if err != nil {
		return nil, err
	}
	results, err := p.build(ctx, importpaths)
	if err != nil {
		return nil, err
	}
	return p.publishBuilt(ctx, importpaths, results)
}

func (p *pipeline) build(ctx context.Context, importpaths []string) ([]build.Result, error) {
	results := make([]build.Result, len(importpaths))
	err := p.forEach(ctx, importpaths, func(ctx context.Context, i int) (err error) {
		results[i], err = p.builder.Build(ctx, importpaths[i])
		if err != nil {
			return fmt.Errorf("building %q: %w", importpaths[i], explainBase(p.options, importpaths[i], err))
		}
		return nil
	})
	return results, err
}

// publishBuilt publishes what was built of import paths.
func (p *pipeline) publishBuilt(ctx context.Context, importpaths []string, results []build.Result) ([]published, error) {
	if p.publisher.sideBySide(importpaths) {
		err := p.forEach(ctx, importpaths, func(ctx context.Context, i int) error {
			return p.publisher.publishAhead(ctx, results[i], importpaths[i])
		})
		if err != nil {
			return nil, err
		}
	}
	var images []published
	for i, importpath := range importpaths {
		ref, err := p.publisher.Publish(ctx, results[i], importpath)
		if err != nil {
			return nil, err
		}
		images = append(images, published{importpath, results[i], ref})
	}
	return images, nil
}

// forEach calls do for each import path, as many at once as there may be jobs. The
// first error ends the others.
func (p *pipeline) forEach(ctx context.Context, importpaths []string, do func(ctx context.Context, i int) error) error {
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
func (p *pipeline) atOnce() int {
	jobs := cmp.Or(p.options.ConcurrentBuilds, runtime.GOMAXPROCS(0))
	if len(p.options.BuildConfigs) == 0 {
		return jobs
	}
	if slices.Contains(p.options.Platforms, "all") {
		return 1
	}
	return max(1, jobs/len(p.options.Platforms))
}
