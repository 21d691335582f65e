package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// lintFlags are the flags of kohealth lint.
type lintFlags struct {
	format   string
	severity string
	ignore   []string
	offline  bool
	pipeline.ImageFlags
}

func newLint(v version.Info) *cobra.Command {
	var lf lintFlags
	cmd := &cobra.Command{
		Use:   "lint [IMAGE | FILE | DIR]... [-- docker run ARG...]",
		Short: "Find what would make a health check fail, in images, in the files of platforms, and in docker run.",
		Long: `Find what would make a health check fail.

A FILE is an ECS task definition, a CloudFormation template, a Terraform file or plan, a
Copilot manifest, a Compose file, a Kubernetes manifest, a Dockerfile, a Quadlet unit, a
Nomad job, a .ko.yaml or the output of docker inspect; - is standard input. The images
that it names are looked into, unless --offline is given. A Compose file is read as
Compose reads it, with .env and the environment.

Of a DIR, all files are linted that have names as these have, and that .gitignore does
not ignore. An IMAGE is in a registry, in the Docker engine (docker-daemon:NAME,
ko.local/NAME), a tarball or an OCI layout. After --, a command of docker, podman or
nerdctl that runs a container is linted, and not run.

Exits with 0 if nothing is found, 1 if something is, 2 if the command line is wrong,
and 3 if a file or an image cannot be read.`,
		Example: `
  # Will the check of this task definition work in the images that it names?
  kohealth lint task-definition.json

  # Everything in this directory that kohealth can read.
  kohealth lint .

  # Will the check of this container work?
  kohealth lint -- docker run --health-cmd='curl -f http://localhost/' nginx

  # Annotate a pull request in a GitHub workflow.
  kohealth lint --format=github task-definition.json compose.yaml

  # Everything there is to know of an image's own check.
  kohealth lint --severity=info registry.example.com/app:v1`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var command []string
			if at := cmd.ArgsLenAtDash(); at >= 0 && lint.IsRun(args[at:]) {
				args, command = args[:at], args[at:]
			}
			o, err := lf.options(args, command)
			if err != nil {
				return cli.Usage(err)
			}
			images, err := lf.OpenOptions(cmd.Context(), v)
			if err != nil {
				return cli.Usage(err)
			}
			l := &linter{options: o, images: images, stdin: cmd.InOrStdin(), command: command}
			if !lf.offline {
				l.options.Open = l.open
			}
			logrus.SetOutput(io.Discard) // the library that loads Compose files tells there what is told here
			return process.InTemporary(cmd.Context(), func() error { return l.run(cmd.Context(), args, lf.format, v.Kohealth) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&lf.format, "format", "text", "how to print findings: "+strings.Join(lint.Formats(), ", "))
	fs.StringVar(&lf.severity, "severity", "warning", "minimum severity to report: info, warning or error")
	fs.StringArrayVar(&lf.ignore, "ignore", nil, "lint rule to skip; may be repeated")
	fs.BoolVar(&lf.offline, "offline", false, "open no image: judge files by themselves")
	fs.StringVar(&lf.Platform, "platform", "", "platform of an IMAGE that has several (default linux/amd64, or what there is)")
	fs.BoolVar(&lf.Insecure, "insecure-registry", false, "verify no certificate, and take plain HTTP, too")
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{
		"format":   cli.OneOf(lint.Formats()...),
		"severity": cli.OneOf(lint.Info.String(), lint.Warning.String(), lint.Error.String()),
		"ignore":   cli.OneOf(ruleWords()...),
		"platform": cli.OneOf(pipeline.PlatformWords()...),
	})
	return cli.OwnCodes(cmd)
}

func (lf *lintFlags) options(args, command []string) (lint.Options, error) {
	if len(args)+len(command) == 0 {
		return lint.Options{}, hint.With(errors.New("there is nothing to lint"), "name an image, a task definition or a Compose file")
	}
	if !slices.Contains(lint.Formats(), lf.format) {
		return lint.Options{}, fmt.Errorf("unknown format %q: there are %s", lf.format, strings.Join(lint.Formats(), ", "))
	}
	if err := lint.CheckRules(lf.ignore); err != nil {
		return lint.Options{}, err
	}
	severity, err := lint.ParseSeverity(lf.severity)
	return lint.Options{Severity: severity, Ignore: lf.ignore}, err
}

// A linter lints the arguments of one command line.
type linter struct {
	options lint.Options
	images  images.Options
	stdin   io.Reader
	command []string // docker run and the like; nil if there is none
}

// run lints everything before it says what could not be read.
func (l *linter) run(ctx context.Context, args []string, format, version string) error {
	findings := []lint.Finding{}
	var errs []error
	for _, arg := range args {
		found, err := l.lint(ctx, arg)
		findings, errs = append(findings, found...), append(errs, err)
	}
	if l.command != nil {
		found, err := lint.RunLine(ctx, l.command, l.ofCommand())
		findings, errs = append(findings, found...), append(errs, err)
	}
	if err := lint.Write(os.Stdout, format, version, findings); err != nil {
		return err
	}
	if err := errors.Join(errs...); err != nil || len(findings) == 0 {
		return err
	}
	return cli.Found(errors.New(counted(len(findings), "finding")))
}

// counted returns a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (l *linter) lint(ctx context.Context, arg string) ([]lint.Finding, error) {
	if isTree(arg) {
		return l.tree(ctx, arg)
	}
	file, err := isFile(arg)
	if err != nil {
		return nil, err
	}
	if !file {
		return l.image(ctx, arg)
	}
	return l.file(ctx, arg)
}

// file lints a file, or standard input for "-".
func (l *linter) file(ctx context.Context, arg string) ([]lint.Finding, error) {
	defer term.ProgressOf(ctx).Begin("linting", arg).End()
	data, err := files.ReadDefinition(l.stdin, arg)
	if err != nil {
		return nil, err
	}
	o, err := l.ofFile(arg)
	if err != nil {
		return nil, err
	}
	return lint.File(ctx, arg, data, o)
}

// ofFile returns the options for a file: Compose reads what lies beside it, or, for
// standard input, where it runs.
func (l *linter) ofFile(arg string) (lint.Options, error) {
	o := l.options
	dir := filepath.Dir(arg)
	if arg == "-" {
		dir = "."
	}
	var err error
	if o.Dir, err = filepath.Abs(dir); err != nil {
		return o, fmt.Errorf("finding directory of %q: %w", arg, err)
	}
	o.Environment = environment()
	o.Tell = func(what string) { log.Printf("%s: not judged: %s", arg, what) }
	return o, nil
}

// ofCommand returns the options for a command that runs a container.
func (l *linter) ofCommand() lint.Options {
	o := l.options
	o.Tell = func(what string) { log.Printf("%s: not judged: %s", l.command[0], what) }
	return o
}

// environment returns the variables of this process.
func environment() map[string]string {
	variables := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		variables[name] = value
	}
	return variables
}

func (l *linter) image(ctx context.Context, ref string) ([]lint.Finding, error) {
	defer term.ProgressOf(ctx).Begin("reading", images.Redact(ref)).End()
	img, err := images.New(ctx, ref, l.images)
	if err != nil {
		return nil, err
	}
	findings, err := lint.Image(ctx, images.Redact(ref), img, l.options)
	return findings, errors.Join(err, img.Close())
}

// isFile tells files from images: by their names, or else by what they hold, as
// tarballs are files, too.
func isFile(arg string) (bool, error) {
	if arg == "-" || slices.Contains([]string{".json", ".jsonc", ".yaml", ".yml", ".template", ".tf", ".tofu", ".hcl", ".nomad", ".container", ".kube"}, filepath.Ext(arg)) {
		return true, nil
	}
	info, err := os.Stat(arg)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil // a reference, or a layout
	}
	f, err := os.Open(arg)
	if err != nil {
		return false, fmt.Errorf("reading file: %w", err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading file: %w", err)
	}
	isTar := n == len(head) && bytes.HasPrefix(head[257:], []byte("ustar"))
	return !isTar && !bytes.HasPrefix(head, []byte("\x1f\x8b")), nil
}

// open opens an image that a file names, never a path: for the platform that the file
// needs, or else for one that there is, for lint to say so.
func (l *linter) open(ctx context.Context, ref string, platform v1.Platform) (v1.Image, error) {
	if strings.HasPrefix(ref, "ko://") || strings.ContainsAny(ref, "$<{") {
		return nil, nil
	}
	if !strings.HasPrefix(ref, images.LocalDomain+"/") {
		ref = "docker://" + strings.TrimPrefix(ref, "docker://")
	}
	o := l.images
	o.Platform = &platform
	img, err := images.New(ctx, ref, o)
	if errors.Is(err, images.ErrPlatform) {
		o.Platform = nil
		img, err = images.New(ctx, ref, o)
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}
