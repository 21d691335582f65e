package main

import (
	"context"
	"errors"
	"fmt"
	gobuild "go/build"
	"io"
	"slices"
	"strings"

	"github.com/google/ko/pkg/publish"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/taskdef"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers/cache"
)

// taskdefFlags are the flags of kohealth taskdef.
type taskdefFlags struct {
	*pipeline.BuildFlags
	file       string
	output     string
	containers []string
	ignore     []string
	overwrite  bool
	strip      bool
	report     pipeline.ReportFlags
}

func newTaskdef(v version.Info) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "taskdef -f FILE [--container NAME=IMPORTPATH]...",
		Short: "Build the images of an ECS task definition and put them in, with their health checks.",
		Long: `Build the images of an ECS task definition and put them in, with their health checks.

FILE is a task definition or a CloudFormation template, in JSON or YAML, or - for
standard input. Containers whose image is ko://IMPORTPATH, and those that --container
names, get the image that is built, by its digest, and its health check in the words
of ECS, which does not read the image's. A container that has a check keeps it. Then
the checks are linted. Nothing is published if something is wrong. All else in the
file stays as it is, to the byte.

Exits with 0, 1 if lint finds an error, 2 if the command line is wrong, and 3 if
something could not be done.`,
		Example: `
  # Where the file says "image": "ko://example.com/cmd/app".
  kohealth taskdef -f task-definition.json -o deploy.json

  # From what runs now to what is registered next.
  aws ecs describe-task-definition --task-definition app |
    kohealth taskdef -f - --strip --container app=./cmd/app -o deploy.json
  aws ecs register-task-definition --cli-input-json file://deploy.json

  # A CloudFormation template.
  kohealth taskdef -f template.yaml -o packaged.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return hint.With(fmt.Errorf("unexpected argument %q", args[0]), "name the file with -f, and import paths in it as ko://IMPORTPATH, or with --container NAME=IMPORTPATH")
		},
	}
	tf := &taskdefFlags{BuildFlags: pipeline.SetBuildFlags(cmd)}
	fs := cmd.Flags()
	fs.StringVarP(&tf.file, "file", "f", "", "task definition or template to read, or - for standard input")
	fs.StringVarP(&tf.output, "output", "o", "", "file to write (default standard output)")
	fs.StringArrayVar(&tf.containers, "container", nil, "NAME=IMPORTPATH, in a template also RESOURCE/NAME=IMPORTPATH: build the import path for the container; may be repeated")
	fs.BoolVar(&tf.overwrite, "overwrite", false, "replace a check that the container has by the image's")
	fs.BoolVar(&tf.strip, "strip", false, "drop what aws ecs describe-task-definition adds and register-task-definition does not take")
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{"ignore": cli.OneOf(ruleWords()...)})
	tf.report.Add(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		named, err := tf.validate()
		if err != nil {
			return cli.Usage(err)
		}
		return tf.run(cmd.Context(), v, cmd.InOrStdin(), named)
	}
	return cli.OwnCodes(cmd)
}

// validate judges the flags, and returns the import paths of the containers that they
// name.
func (tf *taskdefFlags) validate() (named map[string]string, err error) {
	if tf.file == "" {
		return nil, hint.With(errors.New("there is no task definition"), "name it with -f")
	}
	named = map[string]string{}
	for _, arg := range tf.containers {
		name, importpath, _ := strings.Cut(arg, "=")
		if name == "" || importpath == "" {
			return nil, hint.With(fmt.Errorf("parsing --container %q: want NAME=IMPORTPATH", arg), "write it as in --container app=./cmd/app")
		}
		if _, ok := named[name]; ok {
			return nil, fmt.Errorf("--container names %q twice", name)
		}
		named[name] = importpath
	}
	if tf.Po.TagOnly || tf.Po.OCILayoutPath != "" && !tf.Po.Push {
		return nil, hint.With(errors.New("the images would have no reference by digest, as a task definition needs"),
			"leave out --tag-only, and --oci-layout-path with --push=false")
	}
	tf.ignore = tf.Health.Said.Ignore
	if err := lint.CheckRules(tf.ignore); err != nil {
		return nil, err
	}
	if tf.output, err = files.Writable("--output", tf.output); err != nil {
		return nil, hint.With(err, "without --output the result is printed")
	}
	return named, tf.report.Validate()
}

// run writes the file with the images that it builds.
func (tf *taskdefFlags) run(ctx context.Context, v version.Info, stdin io.Reader, named map[string]string) error {
	data, err := files.ReadDefinition(stdin, tf.file)
	if err != nil {
		return err
	}
	file, err := taskdef.Parse(data)
	if err != nil {
		return files.InFile(tf.file, err)
	}
	targets, err := newTargets(file, named)
	if err != nil {
		return files.InFile(tf.file, err)
	}
	tf.warn(file)
	if tf.strip { // what cannot be stripped is not built
		if _, err := taskdef.Strip(data); err != nil {
			return files.InFile(tf.file, err)
		}
	}
	d := &deployment{flags: tf, file: file, targets: targets}
	var out []byte
	err = tf.BuildFlags.Run(ctx, v, func(ctx context.Context, p *pipeline.Pipeline) (err error) {
		d.pipeline = p
		out, err = d.run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := tf.write(out); err != nil {
		return err
	}
	return tf.report.Write(v, tf.BuildFlags, d.images, d.findings)
}

// warn tells what keeps the result from being of use to ECS.
func (tf *taskdefFlags) warn(file *taskdef.File) {
	switch registry, _, _ := strings.Cut(tf.Po.DockerRepo, "/"); {
	case !tf.Po.Push:
		cli.Say("Warning: with --push=false the images are nowhere that ECS could pull them from\n")
	case tf.Po.Local || slices.Contains([]string{publish.LocalDomain, publish.KindDomain}, registry):
		cli.Say("Warning: the images stay on this machine, from which ECS cannot pull them\n")
	}
	if file.IsDescribed() && !tf.strip {
		cli.Say("Note: %s is what describe-task-definition prints, which register-task-definition does not take: --strip makes it so\n", tf.file)
	}
}

func (tf *taskdefFlags) write(data []byte) (err error) {
	if tf.strip {
		if data, err = taskdef.Strip(data); err != nil {
			return files.InFile(tf.file, err)
		}
	}
	if tf.output == "" {
		return files.PrintResult(string(data))
	}
	if err := cache.WriteFile(tf.output, data); err != nil {
		return fmt.Errorf("writing %q: %w", tf.output, err)
	}
	return nil
}

// A target is a container and what is built for it.
type target struct {
	*taskdef.Container
	arg   string // an import path or a directory, as it is written
	index int    // of what is built, once that is resolved
}

// newTargets returns the containers for which something is built: those whose image
// says so, and those that are named.
func newTargets(file *taskdef.File, named map[string]string) (targets []*target, err error) {
	var names []string
	found := map[string]doctree.Pos{}
	for _, c := range file.Containers {
		name, arg, ok := argOf(c, named)
		names = append(names, c.Name)
		first, again := found[name]
		switch {
		case ok && again:
			return nil, hint.With(files.ErrorAt(c.Pos, "%q is the name of the container at %d:%d, too", name, first.Line, first.Column), otherName(c, named[name]))
		case ok:
			found[name] = c.Pos
		case strings.HasPrefix(c.Image, taskdef.Scheme):
			arg = c.Image
		default:
			continue
		}
		if dir := strings.TrimPrefix(arg, taskdef.Scheme); gobuild.IsLocalImport(dir) {
			arg = dir // ko would name the image after the directory, and leave its entry of builds out
		}
		if strings.TrimPrefix(arg, taskdef.Scheme) == "" || strings.Contains(arg, "...") {
			return nil, files.ErrorAt(c.Pos, "%q is not an import path", arg)
		}
		targets = append(targets, &target{Container: c, arg: arg})
	}
	for name := range named {
		if _, ok := found[name]; !ok {
			return nil, unknownContainer(name, names)
		}
	}
	if len(targets) == 0 {
		return nil, hint.With(errors.New("there is nothing to build"),
			"write ko://IMPORTPATH as the image of a container, or name one with --container NAME=IMPORTPATH")
	}
	return targets, nil
}

// argOf returns what is to be built for a container, and by which name it is named.
func argOf(c *taskdef.Container, named map[string]string) (name, arg string, ok bool) {
	for _, name := range []string{c.Task + "/" + c.Name, c.Name} {
		if arg, ok := named[name]; ok && c.Name != "" {
			return name, arg, true
		}
	}
	return "", "", false
}

// otherName tells how to name one of several containers of a name.
func otherName(c *taskdef.Container, arg string) string {
	if c.Task != "" {
		return fmt.Sprintf("name the one that is meant with its resource, as in --container %s/%s=%s", c.Task, c.Name, arg)
	}
	return "write ko://IMPORTPATH as the image of the one that is meant"
}

func unknownContainer(name string, known []string) error {
	text := "the containers are " + strings.Join(known, ", ")
	if near := health.Nearest(name, known); near != "" {
		text = fmt.Sprintf("did you mean %q?", near)
	}
	return hint.With(fmt.Errorf("there is no container %q", name), text)
}
