package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// setBuild makes ko's build command kohealth's.
func setBuild(cmd *cobra.Command, v version.Info) {
	flags := &reportedBuild{BuildFlags: pipeline.SetBuildFlags(cmd)}
	flags.report.Add(cmd, false)
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
	*pipeline.BuildFlags
	report pipeline.ReportFlags
}

func (b *reportedBuild) run(ctx context.Context, v version.Info, args []string) error {
	if err := b.report.Validate(); err != nil {
		return err
	}
	var images []pipeline.Published
	var findings []lint.Finding
	err := b.BuildFlags.Run(ctx, v, func(ctx context.Context, p *pipeline.Pipeline) error {
		importpaths, err := p.ImportPaths(ctx, args)
		if err != nil {
			return err
		}
		results, err := p.Build(ctx, importpaths)
		if err != nil {
			return err
		}
		if b.report.Lint {
			if findings, err = pipeline.LintBuilt(ctx, importpaths, results); err != nil {
				return err
			}
		}
		images, err = p.PublishBuilt(ctx, importpaths, results)
		for _, image := range images {
			if err := term.Printf(os.Stdout, "%s\n", image.Ref); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.report.Write(v, b.BuildFlags, images, findings)
}
