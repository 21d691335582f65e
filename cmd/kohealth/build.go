package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
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
			if err := term.Printf(os.Stdout, "%s\n", image.ref); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.report.write(v, b.buildFlags, images, findings)
}
