package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// renderFlags are the flags of kohealth render.
type renderFlags struct {
	format string
	file   string
	build  string
	exec   bool
	imageFlags
}

func newRender(v versions) *cobra.Command {
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
				return usage(err)
			}
			return inTemporary(cmd.Context(), func() error {
				req, err := rf.request(cmd.Context(), args, v)
				if err != nil {
					return err
				}
				return printRendering(rf.format, req)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&rf.format, "format", "ecs", "what to print the check for")
	fs.StringVarP(&rf.file, "file", "f", "", "take the check from this .ko.yaml")
	fs.StringVar(&rf.build, "build", "", "with --file: the id of an entry in builds (default the check of all images)")
	fs.StringVar(&rf.platform, "platform", "", "with IMAGE: the platform to look at (default linux/amd64, or what there is)")
	fs.BoolVar(&rf.insecure, "insecure-registry", false, "with IMAGE: verify no certificate, and take plain HTTP, too")
	fs.BoolVar(&rf.exec, "exec", false, "with --format=kubernetes: run the check in the container, even if Kubernetes can check by itself")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"format":   oneOf(formatWords()...),
		"build":    rf.completeBuild,
		"platform": oneOf(platformWords()...),
	})
	return ownCodes(cmd)
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
	case rf.file != "" && rf.platform != "":
		return errors.New("--platform and --file exclude each other")
	case rf.exec && rf.format != "kubernetes":
		return errors.New("--exec needs --format=kubernetes: the other formats always run the check in the container")
	}
	return render.Known(rf.format)
}

func (rf *renderFlags) request(ctx context.Context, args []string, v versions) (render.Request, error) {
	if rf.file == "" {
		return rf.fromImage(ctx, args[0], v)
	}
	check, err := rf.fromFile()
	return render.Request{Check: check, Exec: rf.exec}, err
}

// fromFile returns the check that kohealth build would give to an image.
func (rf *renderFlags) fromFile() (health.Config, error) {
	warnUnknown()
	said, _, err := readVariables()
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
		return health.Config{}, usage(hint.With(fmt.Errorf("reading %q: the checks are in builds, and none is for all images", rf.file),
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
func (rf *renderFlags) fromImage(ctx context.Context, ref string, v versions) (render.Request, error) {
	o, err := rf.openOptions(ctx, v)
	if err != nil {
		return render.Request{}, usage(err)
	}
	defer progressOf(ctx).begin("reading", images.Redact(ref)).end()
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
	}, checkShell(img)
}

// checkShell refuses a shell command in an image without a shell.
func checkShell(img *images.Image) error {
	if img.Health.Test[0] != "CMD-SHELL" || img.Platform.OS != "linux" {
		return nil
	}
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("reading layers of image %q: %w", img.Name, err)
	}
	files := rootfs.New(layers)
	_, err = files.Lookup("/bin/sh")
	if closeErr := files.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With(fmt.Errorf("the check of image %q can never pass: it is a shell command, and there is no /bin/sh in the image", img.Name),
			"build the image with kohealth build --health=http://:8080/healthz, whose check needs no shell")
	}
	if err != nil {
		return fmt.Errorf("looking for /bin/sh in image %q: %w", img.Name, err)
	}
	return nil
}

func printRendering(format string, req render.Request) error {
	out, err := render.As(format, req)
	if err != nil {
		return err
	}
	for _, note := range out.Notes {
		say("Note: %s\n", note)
	}
	return printResult(out.Text)
}
