package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

// probeFlags are the flags of kohealth probe.
type probeFlags struct {
	output   string
	platform string
	tls      bool
}

func newProbe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe -o FILE",
		Short: "Write the health check probe into a file.",
		Long: `Write the health check probe into a file, for images that neither ko nor
kohealth builds: a Dockerfile copies it, as do Nix, buildpacks or Ansible. It is
the program that kohealth puts into images, compiled by this machine's Go.

The image's check is then up to whoever builds it, as in
HEALTHCHECK CMD ["/usr/bin/healthcheck", "http://:8080/healthz"].`,
		Example: `
  # The probe for containers on machines like this one.
  kohealth probe -o healthcheck

  # For another processor, and for checks of https and grpcs.
  kohealth probe -o healthcheck --platform=linux/arm64 --tls

  # For containers of Windows.
  kohealth probe -o healthcheck.exe --platform=windows/amd64`,
	}
	f := &probeFlags{}
	fs := cmd.Flags()
	fs.StringVarP(&f.output, "output", "o", "", "file to write")
	fs.StringVar(&f.platform, "platform", "linux/"+runtime.GOARCH, "platform that the probe runs on, OS/ARCHITECTURE[/VARIANT]")
	fs.BoolVar(&f.tls, "tls", false, "include TLS, for https:// and grpcs://; three times as large")
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{"platform": cli.OneOf(pipeline.PlatformWords()...)})
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context()) }
	return cli.OwnCodes(cmd)
}

func (f *probeFlags) run(ctx context.Context) error {
	if f.output == "" {
		return cli.Usage(hint.With(errors.New("there is no file to write"), "name it with -o"))
	}
	platform, err := pipeline.ParsePlatform(f.platform)
	if err != nil {
		return cli.Usage(err)
	}
	file, err := files.Writable("--output", f.output)
	if err != nil {
		return cli.Usage(err)
	}
	variant := layers.Plain
	if f.tls {
		variant = layers.TLS
	}
	binary, err := pipeline.NewCompiler(ctx, os.Getenv(kocompat.GoVariable)).Probe(ctx, *platform, variant)
	if err != nil {
		return err
	}
	if err := cache.WriteProgram(file, binary); err != nil {
		return fmt.Errorf("writing %q: %w", f.output, err)
	}
	return nil
}
