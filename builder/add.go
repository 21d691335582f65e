package builder

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// added is what an SBOM has to say of an image.
type added struct {
	probe    v1.Layer // nil if there is none
	packages v1.Layer // nil if there are none
	list     []*apk.Package
	kept     bool // what an earlier kohealth added stays, and its SBOM says what that is
}

// addHealth adds the check and the layers that it needs.
func (r *rewriter) addHealth(ctx context.Context, d *draft) error {
	base, err := r.baseConfig(ctx, d.manifest.Annotations)
	if err != nil {
		return err
	}
	if err := d.config.keepUnknown(base); err != nil {
		return err
	}
	old, err := base.healthcheck()
	if err != nil {
		return err
	}
	if old != nil && d.hasOurs() && !r.check.Chosen {
		r.say("health: nothing is configured, so the base image's check stays: %s", old)
		return d.config.setHealthcheck(old)
	}
	if old != nil {
		r.say("health: the base image's own HEALTHCHECK is replaced: %s", old)
	}
	if err := r.addLayers(ctx, d); err != nil {
		return err
	}
	return errors.Join(d.config.setHealthcheck(d.check.Config()), r.note(d.added.probe))
}

// note keeps what the report will say.
func (r *rewriter) note(probe v1.Layer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = true
	if probe == nil {
		return nil
	}
	size, err := probe.Size()
	r.probes = append(r.probes, size)
	return err
}

// addLayers adds what the check needs in the image: packages, the probe and its
// arguments, in place of those that an earlier kohealth left. A check that calls the
// probe as a program becomes the probe's.
func (r *rewriter) addLayers(ctx context.Context, d *draft) error {
	d.dropOurs()
	check := &d.check
	if check.Test.Kind == health.None {
		return nil
	}
	base, _, err := r.addPackages(ctx, d)
	if err != nil {
		return err
	}
	busybox := check.Tool == health.ToolBusybox // which needs the probe whoever checks
	if !check.Test.UsesProbe() || check.Test.Kind != health.Probe && !busybox && has(base, health.ProbePath) {
		if !busybox { // the image's own programs do it
			return nil
		}
	} else if check.Test, err = check.Test.AsProbe(); err != nil {
		return err
	}
	return r.addProbe(ctx, d, base)
}

// What begins the comments of history entries.
const (
	probeComment = "health check probe"
	argsComment  = "health check arguments"
)

// addProbe adds the probe's layer and, for a check that is the probe's, its
// arguments'.
func (r *rewriter) addProbe(ctx context.Context, d *draft, base *rootfs.FS) error {
	binary, err := r.Compiler.Probe(ctx, d.platform, variantFor(d.check))
	if err != nil {
		return err
	}
	image := base.Clone()
	add := func(f layers.File, what string) (v1.Layer, error) {
		files, err := place(image, f)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			image.Put(f.Path, f.Mode, f.Linkname)
		}
		return r.insertFiles(d, files, what+", at "+f.Path)
	}
	d.added.probe, err = add(layers.File{Path: health.ProbePath, Mode: 0o555, Content: binary}, probeComment)
	args := d.check.FileArgs()
	if err != nil || len(args) == 0 {
		return err
	}
	_, err = add(layers.File{Path: health.ArgsPath, Mode: 0o444, Content: []byte(strings.Join(args, "\n") + "\n")}, argsComment)
	return err
}

// variantFor returns the smallest probe that a check can do with.
func variantFor(check health.Check) layers.Variant {
	if check.NeedsTLS() {
		return layers.TLS
	}
	return layers.Plain
}

// place puts a file where the base's own links lead to, with those of its
// directories that the base lacks.
func place(base *rootfs.FS, f layers.File) ([]layers.File, error) {
	resolved, err := base.Resolve(f.Path)
	if err != nil {
		return nil, fmt.Errorf("adding %q: %w", f.Path, err)
	}
	if err := free(base, f.Path, resolved); err != nil {
		return nil, fmt.Errorf("adding %q: %w", f.Path, err)
	}
	f.Path = resolved
	files := []layers.File{f}
	for dir := path.Dir(resolved); dir != "/"; dir = path.Dir(dir) {
		e, err := base.Lookup(dir)
		if err == nil && e.Type != tar.TypeDir {
			return nil, fmt.Errorf("adding %q: %q is not a directory in the base image", f.Path, dir)
		}
		if err != nil {
			files = append(files, layers.File{Path: dir, Mode: fs.ModeDir | 0o755})
		}
	}
	slices.Reverse(files)
	return files, nil
}

// free returns an error if a file cannot be where the base's links lead to from its path.
func free(base *rootfs.FS, name, resolved string) error {
	for _, dir := range koDirs() {
		if at, err := base.Resolve(dir); err == nil && resolved != name && strings.HasPrefix(resolved+"/", at+"/") {
			return hint.With(fmt.Errorf("links of the base image lead to %q, which ko fills", resolved), "take another base image")
		}
	}
	switch {
	case resolved != name && has(base, resolved):
		return hint.With(fmt.Errorf("links of the base image lead to %q, and there is a file", resolved), "take another base image")
	case has(base, name):
		return hint.With(errors.New("the base image has a file of its own there"),
			`take another base image, or run the base's own program with --health='["CMD", "`+health.ProbePath+`"]'`)
	}
	return nil
}

// koDirs are the directories that ko's own layers fill.
func koDirs() []string { return []string{"/ko-app", "/var/run/ko"} }

// has tells whether something is at name. No other error can be: all was read before.
func has(base *rootfs.FS, name string) bool {
	_, err := base.Lookup(name)
	return err == nil
}
