package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/why"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// whyFlags are the flags of kohealth why.
type whyFlags struct {
	format  string
	offline bool
	aws     why.AWS
	pipeline.ImageFlags
}

func newWhy(v version.Info) *cobra.Command {
	var wf whyFlags
	cmd := &cobra.Command{
		Use:   "why docker:NAME | ecs:CLUSTER/SERVICE | ecs:CLUSTER/TASK | -",
		Short: "Say what is wrong with a container that runs, or ran.",
		Long: `Say what is wrong with a container that runs, or ran.

docker:NAME is a container of the Docker engine or of Podman, whichever DOCKER_HOST
names. ecs:CLUSTER/SERVICE and ecs:CLUSTER/TASK are on Amazon ECS, with the credentials
of every AWS tool. - is standard input: what docker inspect, podman inspect,
kubectl get pod -o json, kubectl get events -o json, aws ecs describe-services,
describe-tasks and describe-task-definition print, one or several after another.

The first line is the verdict. Then comes the evidence, oldest first, and the fix. The
container's image is looked into, unless --offline is given. Nothing is changed, and
nothing is run in the container.

Exits with 0 if the container is healthy, 1 if not, 2 if the command line is wrong, and
3 if it cannot be looked at.`,
		Example: `
  # A container on this machine.
  kohealth why docker:web

  # A service on Amazon ECS, and one of its tasks.
  kohealth why ecs:production/web
  kohealth why ecs:production/0123456789abcdef0123456789abcdef --region=eu-central-1

  # What others have seen.
  docker inspect web | kohealth why -
  kubectl get pod web-0 -o json | kohealth why -
  aws ecs describe-tasks --cluster=production --tasks=TASK | kohealth why -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			find, err := wf.source(args[0], cmd.InOrStdin())
			if err != nil {
				return cli.Usage(err)
			}
			opened, err := wf.OpenOptions(cmd.Context(), v)
			if err != nil {
				return cli.Usage(err)
			}
			return process.InTemporary(cmd.Context(), func() error { return wf.run(cmd.Context(), args[0], find, opened) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&wf.format, "format", "text", "how to print the report: "+strings.Join(why.Formats(), ", "))
	fs.BoolVar(&wf.offline, "offline", false, "open no image")
	fs.StringVar(&wf.aws.Region, "region", "", "with ecs: AWS region (default as every AWS tool finds it)")
	fs.StringVar(&wf.aws.Profile, "profile", "", "with ecs: profile of AWS's configuration")
	fs.BoolVar(&wf.Insecure, "insecure-registry", false, "verify no certificate, and take plain HTTP, too")
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{"format": cli.OneOf(why.Formats()...)})
	return cli.OwnCodes(cmd)
}

// A finder finds out what there is to know.
type finder func(context.Context) (*why.Subject, error)

// source returns where an argument has the evidence come from.
func (wf *whyFlags) source(arg string, stdin io.Reader) (finder, error) {
	if !slices.Contains(why.Formats(), wf.format) {
		return nil, fmt.Errorf("unknown format %q: there are %s", wf.format, strings.Join(why.Formats(), ", "))
	}
	scheme, name, _ := strings.Cut(arg, ":")
	cluster, task, _ := strings.Cut(name, "/")
	switch {
	case arg == "-":
		return func(context.Context) (*why.Subject, error) { return readDescribed(stdin) }, nil
	case scheme == "docker" && name != "":
		return func(ctx context.Context) (*why.Subject, error) { return why.FromEngine(ctx, name) }, nil
	case scheme == "ecs" && cluster != "" && task != "":
		return func(ctx context.Context) (*why.Subject, error) { return why.FromECS(ctx, cluster, task, wf.aws) }, nil
	case scheme == "ecs":
		return nil, hint.With(fmt.Errorf("parsing %q: want ecs:CLUSTER/SERVICE or ecs:CLUSTER/TASK", arg), "the cluster is called default where none was named")
	}
	return nil, hint.With(fmt.Errorf("parsing %q: want docker:NAME, ecs:CLUSTER/SERVICE, ecs:CLUSTER/TASK or -", arg), "for a container on this machine write docker:"+arg)
}

func readDescribed(stdin io.Reader) (*why.Subject, error) {
	data, err := limits.Described.ReadAll(stdin)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return why.Read(data)
}

// run finds out what is wrong, and prints it.
func (wf *whyFlags) run(ctx context.Context, arg string, find finder, opened images.Options) error {
	report, err := wf.report(ctx, arg, find, opened)
	if err != nil {
		return err
	}
	if err := report.Write(os.Stdout, wf.format); err != nil {
		return err
	}
	if report.Healthy {
		return nil
	}
	return cli.Found(cli.Silently(errors.New(report.Status)))
}

// report finds out what is wrong.
func (wf *whyFlags) report(ctx context.Context, arg string, find finder, opened images.Options) (why.Report, error) {
	step := term.ProgressOf(ctx).Begin("asking about", arg)
	s, err := find(ctx)
	step.End()
	if err != nil {
		return why.Report{}, err
	}
	o := why.Options{}
	if !wf.offline {
		o.Open = func(ctx context.Context, i why.Image) (v1.Image, error) { return openContainer(ctx, i, opened) }
	}
	s.Judge(ctx, o)
	if ctx.Err() != nil {
		return why.Report{}, context.Cause(ctx)
	}
	return why.Diagnose(s), nil
}

// openContainer opens the image of a container: as the engine has it, or else by its name
// in a registry.
func openContainer(ctx context.Context, i why.Image, o images.Options) (v1.Image, error) {
	defer term.ProgressOf(ctx).Begin("reading", images.Redact(i.Ref)).End()
	if i.ID != "" {
		if img, err := images.OfEngine(ctx, i.ID, o); err == nil {
			return img, nil
		}
	}
	l := &linter{images: o}
	return l.open(ctx, i.Ref, i.Platform)
}

// whyOf returns what is wrong with a target, for the action.
func whyOf(ctx context.Context, target string) (why.Report, error) {
	wf := whyFlags{format: "text"}
	find, err := wf.source(target, strings.NewReader(""))
	if err != nil {
		return why.Report{}, cli.Usage(err)
	}
	opened, err := wf.OpenOptions(ctx, version.Read())
	if err != nil {
		return why.Report{}, err
	}
	return wf.report(ctx, target, find, opened)
}
