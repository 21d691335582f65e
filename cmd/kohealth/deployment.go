package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/builder/taskdef"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// A deployment is a task definition on its way to being deployed.
type deployment struct {
	flags    *taskdefFlags
	pipeline *pipeline.Pipeline
	file     *taskdef.File
	targets  []*target

	importpaths []string // of all targets, each once
	results     []build.Result
	checks      []*render.ECSHealthCheck // of the results; nil for none
	findings    []lint.Finding
	images      []pipeline.Published
}

// run returns the file with the images of its targets. It builds them, and publishes
// them if nothing is wrong with their checks.
func (d *deployment) run(ctx context.Context) ([]byte, error) {
	if err := d.resolve(ctx); err != nil {
		return nil, files.InFile(d.flags.file, err)
	}
	var err error
	if d.results, err = d.pipeline.Build(ctx, d.importpaths); err != nil {
		return nil, err
	}
	if err := d.readChecks(); err != nil {
		return nil, files.InFile(d.flags.file, err)
	}
	// Lint sees import paths in the places of images, which have no names yet.
	edited, err := d.edit(d.importpaths)
	if err != nil {
		return nil, files.InFile(d.flags.file, err)
	}
	if d.flags.report.Lint {
		if err := d.lint(ctx, edited); err != nil {
			return nil, err
		}
	}
	if d.images, err = d.pipeline.PublishBuilt(ctx, d.importpaths, d.results); err != nil {
		return nil, err
	}
	var refs []string
	for _, image := range d.images {
		refs = append(refs, image.Ref.String())
	}
	if edited, err = d.edit(refs); err != nil {
		return nil, files.InFile(d.flags.file, err)
	}
	return edited.Data, nil
}

// resolve finds the import paths of the targets.
func (d *deployment) resolve(ctx context.Context) error {
	var args []string
	for _, t := range d.targets {
		args = append(args, t.arg)
	}
	mains := d.pipeline.MainPackages(ctx, args)
	for _, t := range d.targets {
		found, err := d.pipeline.Resolve(t.arg, mains)
		if err != nil {
			return files.ErrorAt(t.Pos, "%w", err)
		}
		if t.index = slices.Index(d.importpaths, found[0]); t.index < 0 {
			t.index = len(d.importpaths)
			d.importpaths = append(d.importpaths, found[0])
		}
	}
	return nil
}

// readChecks finds the checks of what was built, in the words of ECS.
func (d *deployment) readChecks() error {
	for _, t := range d.targets {
		if t.index < len(d.checks) {
			continue
		}
		check, err := pipeline.CheckOf(d.results[t.index])
		if err != nil {
			return files.ErrorAt(t.Pos, "image %s: %w", d.importpaths[t.index], err)
		}
		if check == nil {
			d.checks = append(d.checks, nil)
			continue
		}
		hc, notes, err := d.file.Check(*check)
		if err != nil {
			return files.ErrorAt(t.Pos, "image %s: %w", d.importpaths[t.index], err)
		}
		for _, note := range notes {
			cli.Say("Note: %s: %s\n", d.importpaths[t.index], note)
		}
		d.checks = append(d.checks, &hc)
	}
	return nil
}

// edit returns the file with images, which are in the order of the import paths, and
// their checks.
func (d *deployment) edit(images []string) (*taskdef.Edited, error) {
	var changes []taskdef.Change
	for _, t := range d.targets {
		change := taskdef.Change{Container: t.Container, Image: images[t.index]}
		if !t.Checked || d.flags.overwrite {
			change.Check = withPorts(d.checks[t.index], t.Ports())
		}
		changes = append(changes, change)
	}
	return d.file.Edit(changes)
}

// withPorts returns a check that is auto with the ports that the container maps: whoever is
// sent there has to find the app, not only what it serves elsewhere. Others stay.
func withPorts(check *render.ECSHealthCheck, ports []int) *render.ECSHealthCheck {
	if check == nil || len(ports) == 0 || !isPlainAuto(check.Command) {
		return check
	}
	var words []string
	for _, port := range ports {
		words = append(words, strconv.Itoa(port))
	}
	named := *check
	named.Command = slices.Clone(check.Command)
	named.Command[len(named.Command)-1] += ":" + strings.Join(words, ",")
	return &named
}

// isPlainAuto reports whether a command is the probe's, with auto and no path to ask for.
func isPlainAuto(command []string) bool {
	asksPath := func(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "path") }
	return len(command) > 2 && command[1] == health.ProbePath && command[len(command)-1] == health.DefaultTest &&
		!slices.ContainsFunc(command[2:], asksPath)
}

// lint tells what is wrong in the file, held against the images that were built. The
// others are not looked into.
func (d *deployment) lint(ctx context.Context, edited *taskdef.Edited) error {
	findings, err := lint.File(ctx, d.flags.file, edited.Data, lint.Options{
		Open: d.open, Severity: lint.Warning, Ignore: d.flags.ignore,
	})
	if err != nil {
		return err
	}
	for i, f := range findings {
		findings[i].Pos = edited.Origin(f.Pos)
	}
	d.findings = findings
	return d.orOverwrite(pipeline.Tell(findings), findings)
}

// orOverwrite adds a hint to an error about a check that a container has itself, and for
// which the image has one that works.
func (d *deployment) orOverwrite(err error, findings []lint.Finding) error {
	if err == nil || d.flags.overwrite {
		return err
	}
	for _, t := range d.targets {
		own := func(f lint.Finding) bool { return f.Severity == lint.Error && f.Container == t.Name }
		if t.Checked && d.checks[t.index] != nil && slices.ContainsFunc(findings, own) {
			return hint.With(err, "--overwrite puts the image's own check in the place of the container's")
		}
	}
	return err
}

// open returns what was built of an import path, for the platform or else another.
func (d *deployment) open(_ context.Context, importpath string, platform v1.Platform) (v1.Image, error) {
	i := slices.Index(d.importpaths, importpath)
	if i < 0 {
		return nil, nil
	}
	return imageFor(d.results[i], platform)
}

// imageFor returns the image of a result for a platform, or else one for another.
func imageFor(result build.Result, platform v1.Platform) (v1.Image, error) {
	images, err := pipeline.ImagesOf(result)
	if err != nil {
		return nil, err
	}
	for _, img := range images {
		cf, err := img.ConfigFile()
		if err != nil {
			return nil, err
		}
		if cf.Platform().Satisfies(platform) {
			return img, nil
		}
	}
	return images[0], nil
}
