package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder"
	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// baseFlags are the flags of kohealth base: those of build that do not say how to
// compile, and its own.
type baseFlags struct {
	po        *pipeline.PublishFlags
	tagged    func() bool // the user says which tags there are to be
	health    *pipeline.HealthFlags
	platforms []string
	jobs      int
	sbom      string
	sbomDir   string
	probeFrom string
}

func newBase(v version.Info) *cobra.Command {
	f := &baseFlags{}
	cmd := &cobra.Command{
		Use:   "base [IMAGE]",
		Short: "Give a health check to an image that ko did not build.",
		Long: `Give a health check to an image that ko did not build, on all its platforms,
publish the result, and print its reference: a base image for ko, for a
Dockerfile, or somebody else's image with a check.

IMAGE is in a registry, in the Docker engine (docker-daemon:NAME, ko.local/NAME),
in a tarball or in an OCI layout. Without it, it is the base image that ko would
take: defaultBaseImage of .ko.yaml, KO_DEFAULTBASEIMAGE, or ko's own.

The result is pushed to KO_DOCKER_REPO and the last element of IMAGE's name, with the
tag that IMAGE has.`,
		Example: `
  # A base on which ko builds images with a health check.
  KO_DEFAULTBASEIMAGE=$(kohealth base) ko build ./cmd/app

  # A health check for somebody else's image.
  kohealth base --health=http://:80/ nginx:1.29

  # The check is a program of another image.
  kohealth base --probe-from=ghcr.io/tarampampam/microcheck:/bin/httpcheck \
    --health='["CMD", "/bin/httpcheck", "http://127.0.0.1/"]' nginx:1.29`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), strings.Join(args, ""), v)
		},
	}
	f.po = pipeline.AddPublishFlags(cmd)
	fs := cmd.Flags()
	f.tagged = func() bool { return fs.Changed("tags") }
	fs.Lookup("tags").DefValue = "[]" // the usage says it
	fs.Lookup("tags").Usage = "Tags of the result (default that of IMAGE, or latest)"
	fs.Lookup("base-import-paths").Usage = "Add only the last element of IMAGE's name to KO_DOCKER_REPO; the default"
	fs.Lookup("preserve-import-paths").Usage = "Add all of IMAGE's name, but for the registry, to KO_DOCKER_REPO"
	fs.StringSliceVar(&f.platforms, "platform", []string{"all"}, "platforms of IMAGE: all, or OS[/ARCHITECTURE[/VARIANT]][,PLATFORM]...")
	fs.IntVarP(&f.jobs, "jobs", "j", 0, "platforms that are worked on at once (default GOMAXPROCS)")
	fs.StringVar(&f.sbom, "sbom", "spdx", "the SBOM of what is added: spdx or none")
	fs.StringVar(&f.sbomDir, "sbom-dir", "", "directory to write the SBOM into")
	fs.StringVar(&f.probeFrom, "probe-from", "", "check with a program of another image, `IMAGE:PATH`, instead of the probe; --health says how to run it")
	f.health = pipeline.AddHealthFlags(fs)
	pipeline.CompleteHealth(cmd, f.health)
	fs.Lookup("no-healthcheck").Hidden = true // there would be nothing left to do
	return cli.OwnCodes(cmd)
}

func (f *baseFlags) run(ctx context.Context, image string, v version.Info) error {
	if err := f.validate(); err != nil {
		return cli.Usage(err)
	}
	platforms, err := pipeline.ParsePlatforms(f.platforms)
	if err != nil {
		return cli.Usage(err)
	}
	bo, err := f.options(ctx, v)
	if err != nil {
		return err
	}
	if image == "" {
		if image, err = defaultBase(); err != nil {
			return err
		}
	}
	if !f.tagged() {
		f.po.Tags = []string{tagOf(image)}
	}
	err = f.po.WithPublisher(ctx, ".", v, func(p *pipeline.Publisher) error {
		reading := term.ProgressOf(ctx).Begin("reading", images.Redact(image))
		set, err := images.All(ctx, image, platforms, bo.Open)
		reading.End()
		if err != nil {
			return err
		}
		defer func() { _ = set.Close() }() // the temporary directory goes, too
		return f.publish(ctx, p, set, bo)
	})
	if err != nil {
		return err
	}
	kocompat.PruneCache(nil)
	return nil
}

// publish publishes the images with a check and prints where. For the publisher, the
// images' own name stands in the place of an import path.
func (f *baseFlags) publish(ctx context.Context, p *pipeline.Publisher, set *images.Set, bo builder.BaseOptions) error {
	repository, err := set.Repository(bo.Open)
	if err != nil {
		return err
	}
	if set.Partial {
		log.Printf("note: the Docker engine keeps an index of images, and gives one of them, which gets the check; name the index where it was pulled from for all platforms")
	}
	if f.sbom != "none" {
		bo.SBOM = path.Base(repository)
	}
	result, err := builder.Base(ctx, set, bo)
	if err != nil {
		return err
	}
	if err := f.warnOfReplacing(p, set, bo.Open, result, repository); err != nil {
		return err
	}
	ref, err := p.Publish(ctx, result, repository)
	if err != nil {
		return err
	}
	return term.Printf(os.Stdout, "%s\n", ref)
}

// tagOf returns the tag in the name of an image, or latest if it has none.
func tagOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = strings.TrimPrefix(strings.TrimPrefix(image, "docker-daemon:"), "docker://")
	_, tag, found := pipeline.CutLast(path.Base(image), ":")
	if !found || !pipeline.TagPattern.MatchString(tag) || strings.HasSuffix(image, ".tar") {
		return "latest"
	}
	return tag
}

// warnOfReplacing says where the original remains if the result takes its tag.
func (f *baseFlags) warnOfReplacing(p *pipeline.Publisher, set *images.Set, o images.Options, result build.Result, repository string) error {
	if p.ToFiles || set.Reference == "" {
		return nil
	}
	original, err := name.ParseReference(set.Reference, o.Name...)
	if err != nil {
		return err
	}
	digest, err := result.Digest()
	if err != nil || digest == set.Digest {
		return err
	}
	for _, tag := range f.po.Tags {
		target, err := name.NewTag(p.NameOf(repository)+":"+tag, o.Name...)
		if err == nil && target.Name() == original.Name() {
			log.Printf("warning: %s will name the image with the check; the original stays at %s",
				original.Name(), original.Context().Digest(set.Digest.String()))
		}
	}
	return nil
}

// validate judges the flags together, and says where images go by default.
func (f *baseFlags) validate() error {
	if f.sbom != "spdx" && f.sbom != "none" {
		return fmt.Errorf("parsing --sbom %q: want spdx or none", f.sbom)
	}
	po := f.po
	named := 0
	for _, way := range []bool{po.Bare, po.BaseImportPaths, po.PreserveImportPaths} {
		if way {
			named++
		}
	}
	if named > 1 {
		return errors.New("--bare, --base-import-paths and --preserve-import-paths exclude each other")
	}
	if err := pipeline.CheckJobs(f.jobs); err != nil {
		return err
	}
	po.BaseImportPaths = named == 0 || po.BaseImportPaths
	return f.health.Conflict()
}

// options says what flags, variables and .ko.yaml say. All is read before any image is.
func (f *baseFlags) options(ctx context.Context, v version.Info) (bo builder.BaseOptions, err error) {
	checks, err := f.health.Checks(".")
	if err != nil {
		return bo, err
	}
	if bo.Open, err = (pipeline.ImageFlags{Insecure: f.po.InsecureRegistry}).OpenOptions(ctx, v); err != nil {
		return bo, err
	}
	if f.probeFrom != "" {
		if bo.Program, err = equip.ParseProgram(f.probeFrom); err != nil {
			return bo, cli.Usage(err)
		}
	}
	bo.Options = pipeline.BuilderOptions(ctx, os.Getenv(kocompat.GoVariable), checks, v)
	bo.Check = checks.Of(&options.BuildOptions{})
	bo.Jobs = f.jobs
	bo.SBOMDir = f.sbomDir
	return bo, nil
}

// defaultBase returns the base image that ko would take.
func defaultBase() (string, error) {
	var bo options.BuildOptions
	if err := bo.LoadConfig(); err != nil {
		return "", hint.With(fmt.Errorf("looking for the base image: %w", err), "name an image, such as cgr.dev/chainguard/static")
	}
	return bo.BaseImage, nil
}
