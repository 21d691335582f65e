package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/trial"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
)

// tryFlags are the flags of kohealth try: those of build that say what is in the image,
// and its own.
type tryFlags struct {
	*pipeline.BuildFlags
	env     []string
	engine  bool
	verbose bool
	auto    bool        // the check is auto
	test    health.Test // the check
}

func newTry(v version.Info) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "try [IMPORTPATH] [-- ARG...]",
		Short: "Build an app, run it, and see whether its health check passes.",
		Long: `Build an app, run it, and see whether its health check passes.

The app runs on this machine, with the environment of its image and nothing of the
user's, and the check on the image's schedule, as Docker runs it, until it passes or
Docker would call the container unhealthy. It prints one line per check. Afterwards the
app gets SIGTERM, then SIGKILL after 3 s. Nothing is published.

Nothing runs that the base image brings: neither its programs nor its own check. With
--engine the image itself runs, in a container of the Docker engine.

Exits with 0 if the check has passed, 1 if not, 2 if the command line is wrong, and 3
if something could not be done.`,
		Example: `
  # Does the check that is configured, or auto, pass?
  kohealth try ./cmd/app

  # Another check, a variable of the user's environment, and arguments for the app.
  kohealth try --health=http://:8080/healthz -e DATABASE_URL ./cmd/app -- --log-level=debug

  # The image itself, in a container.
  kohealth try --engine ./cmd/app`,
	}
	f := &tryFlags{BuildFlags: &pipeline.BuildFlags{Bo: &options.BuildOptions{}}}
	fs := cmd.Flags()
	inherited := &cobra.Command{}
	f.Po = pipeline.AddPublishFlags(inherited)
	options.AddBuildOptions(inherited, f.Bo)
	for _, name := range []string{"disable-optimizations", "image-user", "insecure-registry", "ldflags"} {
		fs.AddFlag(inherited.Flags().Lookup(name))
	}
	f.Po.Push, f.Po.DockerRepo, f.Bo.SBOM = false, "try", "none" // nothing is published
	fs.StringArrayVarP(&f.env, "env", "e", nil, "NAME=VALUE for the app, or NAME for the value that it has here; may be repeated")
	fs.BoolVar(&f.engine, "engine", false, "run the image in a container of the Docker engine")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "show what the app writes")
	f.Health = pipeline.AddHealthFlags(fs)
	fs.Lookup("no-healthcheck").Hidden = true // there would be nothing to try
	cmd.ValidArgsFunction = completeMains
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // which would leave the app running
		args, appArgs := splitAtDash(cmd, args)
		if err := f.validate(args); err != nil {
			return cli.Usage(err)
		}
		return f.run(cmd.Context(), v, strings.Join(args, ""), appArgs)
	}
	return cli.OwnCodes(cmd)
}

// imagesRunHere says that images are for this machine's system.
const imagesRunHere = runtime.GOOS == "linux"

// validate judges the command line.
func (f *tryFlags) validate(args []string) error {
	switch {
	case len(args) > 1:
		return hint.With(fmt.Errorf("there are several import paths: %s", strings.Join(args, ", ")), "try them one by one; write arguments for the app behind --")
	case len(args) == 1 && strings.Contains(args[0], "..."):
		return hint.With(fmt.Errorf("%q is a pattern, not an import path", args[0]), pipeline.MainsHint())
	case !f.engine && runtime.GOOS == "windows":
		return hint.With(errors.New("images are not for Windows"), "use --engine, which runs the image in a container")
	}
	for _, kv := range f.env {
		if name, _, _ := strings.Cut(kv, "="); name == "" {
			return fmt.Errorf("parsing --env %q: want NAME=VALUE or NAME", kv)
		}
	}
	return f.Health.Conflict()
}

// run tries what arg names with arguments of its own.
func (f *tryFlags) run(ctx context.Context, v version.Info, arg string, appArgs []string) error {
	if f.engine {
		return f.inEngine(ctx, v, arg, appArgs)
	}
	return f.onThisMachine(ctx, v, arg, appArgs)
}

func (f *tryFlags) onThisMachine(ctx context.Context, v version.Info, arg string, appArgs []string) (err error) {
	temp, remove, err := process.TempDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	dir := filepath.Join(temp, "root")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("making temporary directory: %w", err)
	}
	defer process.OnEnd(ctx, func() { _ = remove() })()
	if !imagesRunHere {
		// ko's image for this system has no check, and the base image is not for it.
		f.KoOnly, f.Bo.BaseImage, f.Bo.BaseImageOverrides = true, layers.HostRef, map[string]string{"": ""}
		cli.Say("Note: the app is built for this machine's system, so the base image's environment is left out; --engine runs the image itself\n")
	}
	compiler := pipeline.NewCompiler(ctx, os.Getenv(kocompat.GoVariable))
	var built build.Result
	f.Built = func(result build.Result) { built = result }
	var app *trial.Local
	here := v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
	err = f.build(ctx, v, arg, here, func(ctx context.Context, result build.Result, check health.Check) error {
		if err := ownCheck(result, check); err != nil {
			return err
		}
		images, err := pipeline.ImagesOf(built)
		if err != nil {
			return err
		}
		own, err := appOf(images[0])
		if err != nil {
			return err
		}
		app, err = trial.NewLocal(ctx, own, check.Config(), dir, compiler)
		return err
	})
	if err != nil {
		return err
	}
	return f.observe(ctx, app, arg, appArgs)
}

// appOf returns the app of an image as ko has built it.
func appOf(img v1.Image) (trial.App, error) {
	layers, err := oci.AppLayers(img)
	if err != nil {
		return trial.App{}, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return trial.App{}, fmt.Errorf("reading the image: %w", err)
	}
	return trial.App{Layers: layers, Config: config.Config}, nil
}

// ownCheck refuses a check that is not the user's but the base image's, which stays where
// nothing is configured: on this machine nothing runs that a base image brings.
func ownCheck(result build.Result, check health.Check) error {
	there, err := pipeline.CheckOf(result)
	if err != nil || there == nil || check.Chosen {
		return err
	}
	if config := check.Config(); reflect.DeepEqual(there, &config) {
		return nil
	}
	return hint.With(errors.New("nothing is configured, so the check is the base image's, which does not run on this machine"),
		"use --engine, which runs it in a container, or say what to check, as in --health=http://:8080/healthz")
}

func (f *tryFlags) inEngine(ctx context.Context, v version.Info, arg string, appArgs []string) (err error) {
	engine, err := trial.OpenEngine(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	err = f.build(ctx, v, arg, engine.Platform(), func(ctx context.Context, result build.Result, check health.Check) error {
		images, err := pipeline.ImagesOf(result)
		if err != nil {
			return err
		}
		config := check.Config()
		if own, err := pipeline.CheckOf(result); err != nil {
			return err
		} else if own != nil {
			config = *own // the base image's, if there is nothing else
		}
		return engine.Load(ctx, images[0], config)
	})
	if err != nil {
		return err
	}
	return f.observe(ctx, engine, arg, appArgs)
}

// build builds the image for a platform, and has use use it with the check that is
// configured.
func (f *tryFlags) build(ctx context.Context, v version.Info, arg string, platform v1.Platform, use func(context.Context, build.Result, health.Check) error) error {
	for _, name := range []string{"GOOS", "GOARCH", "GOARM"} { // ko refuses them beside a platform
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	f.Bo.Platforms = []string{platform.String()}
	return f.BuildFlags.Run(ctx, v, func(ctx context.Context, p *pipeline.Pipeline) error {
		importpaths, err := p.ImportPaths(ctx, []string{cmp.Or(arg, ".")})
		if err != nil {
			return err
		}
		check, err := p.Check(strings.TrimPrefix(importpaths[0], build.StrictScheme))
		if err != nil {
			return err
		}
		if err := f.tryable(check); err != nil {
			return err
		}
		f.test = check.Test
		f.auto = slices.Equal(check.Test.Args, []string{health.DefaultTest})
		results, err := p.Build(ctx, importpaths)
		if err != nil {
			return err
		}
		return use(ctx, results[0], check)
	})
}

// tryable refuses what there is no use in building.
func (f *tryFlags) tryable(check health.Check) error {
	packages := check.AllPackages()
	switch {
	case check.Disabled || check.Test.Kind == health.None:
		return hint.With(errors.New("the health check is switched off"), "name what to check, as in --health=http://:8080/healthz, or leave out disable")
	case len(packages) > 0 && check.Test.Kind != health.Probe && !f.engine:
		return hint.With(fmt.Errorf("the check needs packages that the image has: %s", strings.Join(packages, ", ")),
			"use --engine, which runs the image in a container")
	case !imagesRunHere && !f.engine && slices.Contains(check.Test.Args, health.DefaultTest):
		return hint.With(errors.New("auto finds the ports of apps on Linux only"),
			"name what to check, as in --health=http://:8080/healthz, or use --engine, which runs the image in a container")
	}
	return nil
}

// A runner runs an app and its check: a [trial.Local] or a [trial.Engine].
type runner interface {
	Run(context.Context, trial.Options) (trial.Outcome, error)
}

// observe runs the app that arg names and shows what comes of it. An interrupt ends the app, and so does
// nobody being left to read.
func (f *tryFlags) observe(ctx context.Context, app runner, arg string, appArgs []string) error {
	defer process.ReapChildren() // what has left the app's process group

	ctx, unread := context.WithCancelCause(ctx)
	defer unread(nil)
	view := newTryView(os.Stdout, os.Stderr, f.verbose)
	view.unread, view.auto = unread, f.auto
	outcome, err := app.Run(ctx, trial.Options{
		Args:    appArgs,
		Env:     f.environ(),
		Output:  view.app,
		Started: view.started,
		Report:  view.check,
	})
	view.stop()
	switch {
	case errors.Is(err, trial.ErrNoApp):
		return cli.Found(hint.With(err, "end what answers in the place of the app, or use --engine, where it is alone"))
	case err != nil:
		return err
	case outcome.Healthy:
		if note := unproven(outcome); note != "" && f.auto {
			cli.Say("Warning: %s\n", note)
		}
		return view.suggest(outcome)
	}
	view.lastLines()
	return cli.Found(failure(outcome, f.test, func() []string { return knownRoutes(ctx, arg) }))
}

// environ returns the variables of --env with their values, but for those without one.
func (f *tryFlags) environ() []string {
	var env []string
	for _, kv := range f.env {
		if strings.Contains(kv, "=") {
			env = append(env, kv)
		} else if value, ok := os.LookupEnv(kv); ok {
			env = append(env, kv+"="+value)
		}
	}
	return env
}
