package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/ko/pkg/build"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/lint"
)

// setBuild makes ko's build command kohealth's.
func setBuild(cmd *cobra.Command, v versions) {
	flags := &reportedBuild{buildFlags: setBuildFlags(cmd)}
	flags.report.add(cmd, false)
	cmd.Example = `
  # Build an image whose check connects to every TCP port that the app listens on.
  kohealth build ./cmd/app

  # Build an image whose check is an HTTP request, every 5 seconds.
  kohealth build --health=http://:8080/healthz --health-interval=5s ./cmd/app

  # Build all commands of the module, side by side.
  kohealth build ./cmd/...

  # Say what was built, for other programs; but nothing if its check cannot work.
  kohealth build --lint --metadata-file=image.json ./cmd/app

  # Build what ko builds.
  kohealth build --no-healthcheck ./cmd/app
` + cmd.Example
	cmd.ValidArgsFunction = completeMains
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{"."}
		}
		return flags.run(cmd.Context(), v, args)
	}
}

// A reportedBuild builds, and says more of it than references.
type reportedBuild struct {
	*buildFlags
	report reportFlags
}

func (b *reportedBuild) run(ctx context.Context, v versions, args []string) error {
	if err := b.report.validate(); err != nil {
		return err
	}
	var images []published
	var findings []lint.Finding
	err := b.buildFlags.run(ctx, v, func(ctx context.Context, p *pipeline) error {
		importpaths, err := p.importPaths(ctx, args)
		if err != nil {
			return err
		}
		results, err := p.build(ctx, importpaths)
		if err != nil {
			return err
		}
		if b.report.lint {
			if findings, err = lintBuilt(ctx, importpaths, results); err != nil {
				return err
			}
		}
		images, err = p.publishBuilt(ctx, importpaths, results)
		for _, image := range images {
			fmt.Println(image.ref)
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.report.write(v, b.buildFlags, images, findings)
}

// A published image is what was built of an import path, and where it is.
type published struct {
	importpath string
	result     build.Result
	ref        name.Reference
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

func (p *pipeline) build(ctx context.Context, importpaths []string) ([]build.Result, error) {
	results := make([]build.Result, len(importpaths))
	err := p.forEach(ctx, importpaths, func(ctx context.Context, i int) (err error) {
		results[i], err = p.builder.Build(ctx, importpaths[i])
		if err != nil {
			return fmt.Errorf("building %q: %w", importpaths[i], err)
		}
		return nil
	})
	return results, err
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
