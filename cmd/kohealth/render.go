package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// renderFlags are the flags of kohealth render.
type renderFlags struct {
	format string
	file   string
	build  string
	exec   bool
	pipeline.ImageFlags
}

func newRender(v version.Info) *cobra.Command {
	var rf renderFlags
	cmd := &cobra.Command{
		Use:   "render [IMAGE | -f FILE]",
		Short: "Print a health check for platforms that do not read it from the image.",
		Long: `Print a health check for platforms that do not read it from the image.

The check is that of an image, in a registry, in the Docker engine
(docker-daemon:NAME, ko.local/NAME), in a tarball or in an OCI layout, or the one
that a .ko.yaml and the KOHEALTH_ variables give to an image. The formats are

` + formatList(),
		Example: `
  # What ECS needs in the task definition.
  kohealth render registry.example.com/app:v1

  # Merge it into a task definition.
  kohealth render registry.example.com/app:v1 | jq -s '.[1].containerDefinitions[0] += .[0] | .[1]' - task-definition.json

  # The check of one build in .ko.yaml, for Kubernetes.
  kohealth render -f .ko.yaml --build worker --format kubernetes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := rf.validate(args); err != nil {
				return cli.Usage(err)
			}
			return process.InTemporary(cmd.Context(), func() error {
				req, err := rf.request(cmd.Context(), args, v)
				if err != nil {
					return err
				}
				return printRendering(rf.format, req)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&rf.format, "format", "ecs", "format to print the check in")
	fs.StringVarP(&rf.file, "file", "f", "", ".ko.yaml to take the check from")
	fs.StringVar(&rf.build, "build", "", "with --file: the id of an entry in builds (default the check of all images)")
	fs.StringVar(&rf.Platform, "platform", "", "with IMAGE: the platform to look at (default linux/amd64, or what there is)")
	fs.BoolVar(&rf.Insecure, "insecure-registry", false, "with IMAGE: verify no certificate, and take plain HTTP, too")
	fs.BoolVar(&rf.exec, "exec", false, "with --format=kubernetes: run the check in the container, even if Kubernetes can check by itself")
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{
		"format":   cli.OneOf(formatWords()...),
		"build":    rf.completeBuild,
		"platform": cli.OneOf(pipeline.PlatformWords()...),
	})
	return cli.OwnCodes(cmd)
}

func formatList() string {
	var b strings.Builder
	for _, f := range render.Formats() {
		fmt.Fprintf(&b, "  %-15s %s\n", f.Name, f.About)
	}
	return b.String()
}

// validate judges flags and arguments together.
func (rf *renderFlags) validate(args []string) error {
	switch {
	case rf.file == "" && len(args) == 0:
		return hint.With(errors.New("there is nothing to render"), "name an image, or a .ko.yaml with -f")
	case rf.file != "" && len(args) > 0:
		return errors.New("IMAGE and --file exclude each other")
	case rf.file == "" && rf.build != "":
		return errors.New("--build needs --file")
	case rf.file != "" && rf.Platform != "":
		return errors.New("--platform and --file exclude each other")
	case rf.exec && rf.format != "kubernetes":
		return errors.New("--exec needs --format=kubernetes: the other formats always run the check in the container")
	}
	return render.Known(rf.format)
}

func (rf *renderFlags) request(ctx context.Context, args []string, v version.Info) (render.Request, error) {
	if rf.file == "" {
		return rf.fromImage(ctx, args[0], v)
	}
	check, err := rf.fromFile()
	if err != nil {
		return render.Request{}, err
	}
	return render.Request{Check: check, Exec: rf.exec}, judgeAlone(ctx, check)
}

// fromFile returns the check that kohealth build would give to an image.
func (rf *renderFlags) fromFile() (health.Config, error) {
	pipeline.WarnUnknown()
	said, _, err := pipeline.ReadVariables()
	if err != nil {
		return health.Config{}, err
	}
	file, err := health.ReadFile(rf.file)
	if err != nil {
		return health.Config{}, err
	}
	settings, err := file.Build(rf.build)
	if err != nil {
		return health.Config{}, err
	}
	if ids := checkedBuilds(file); rf.build == "" && settings.Test == nil && len(ids) > 0 {
		return health.Config{}, cli.Usage(hint.With(fmt.Errorf("reading %q: the checks are in builds, and none is for all images", rf.file),
			"name an entry: --build="+strings.Join(ids, ", --build=")))
	}
	check, err := said.Over(settings).Check()
	if err != nil {
		return health.Config{}, err
	}
	if check.Disabled {
		return health.Config{}, fmt.Errorf("reading %q: the check is disabled", rf.file)
	}
	return check.Config(), nil
}

// checkedBuilds returns the ids of the builds that say what to check.
func checkedBuilds(file health.File) (ids []string) {
	for _, b := range file.Builds() {
		if b.ID != "" && file.For(b).Test != nil {
			ids = append(ids, b.ID)
		}
	}
	return ids
}

// fromImage returns what is to be rendered of an image.
func (rf *renderFlags) fromImage(ctx context.Context, ref string, v version.Info) (render.Request, error) {
	o, err := rf.OpenOptions(ctx, v)
	if err != nil {
		return render.Request{}, cli.Usage(err)
	}
	defer term.ProgressOf(ctx).Begin("reading", images.Redact(ref)).End()
	img, err := images.New(ctx, ref, o)
	if err != nil {
		return render.Request{}, err
	}
	defer func() { _ = img.Close() }() // what was to be read has been read
	if img.Health == nil {
		return render.Request{}, hint.With(fmt.Errorf("image %q has no health check", ref), "kohealth build gives it one; so does HEALTHCHECK in a Dockerfile")
	}
	return render.Request{
		Check: *img.Health, Image: img.Reference, Windows: img.Platform.OS == "windows", Exec: rf.exec,
	}, judgeImage(ctx, img)
}

// judgeImage refuses a check that cannot pass in its image.
func judgeImage(ctx context.Context, img *images.Image) error {
	found, err := lint.Image(ctx, img.Name, img, lint.Options{Severity: lint.Error})
	if err != nil || len(found) == 0 {
		return err
	}
	f := found[0]
	return hint.With(fmt.Errorf("the check of image %q cannot pass: %s [%s]", img.Name, f.Message, f.Rule), f.Fix)
}

// judgeAlone refuses a check that cannot pass in any image, and says that the one that it
// is for is not known.
func judgeAlone(ctx context.Context, check health.Config) error {
	found, err := judge.Judge(ctx, judge.Check{Test: check.Test, Timeout: check.Timeout}, judge.Container{EnvOpen: true, UserOpen: true, MountsOpen: true})
	if err != nil {
		return err
	}
	for _, v := range found {
		if v.Severity == judge.Error {
			return hint.With(fmt.Errorf("the check %s cannot pass: %s [%s]", quote.JSON(check.Test), v.Message, v.Rule), v.Advice)
		}
	}
	if check.Test[0] != "NONE" && check.Test[1] != health.ProbePath {
		cli.Say("Note: whether %s is in the image is not known: kohealth render IMAGE looks\n", programOf(check.Test))
	}
	return nil
}

// programOf names what a check starts.
func programOf(test []string) string {
	if test[0] == "CMD-SHELL" {
		return "/bin/sh, with what the command starts,"
	}
	return test[1]
}

func printRendering(format string, req render.Request) error {
	out, err := render.As(format, req)
	if err != nil {
		return err
	}
	for _, note := range out.Notes {
		cli.Say("Note: %s\n", note)
	}
	return files.PrintResult(out.Text)
}
