package equip

import (
	"context"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

// takeArguments gives a check that calls the probe without arguments those that an earlier
// kohealth has left in the image, which the probe would take when it runs.
func (w *work) takeArguments() error {
	test := &w.added.Check.Test
	if test.Kind != health.Exec || len(test.Args) != 1 || !test.UsesProbe() || w.platform.OS == "windows" {
		return nil
	}
	base, err := rootfs.Read(w.img.Base(), w.Files)
	if err != nil || !has(base, health.ArgsPath) {
		return err
	}
	text, err := base.ReadFile(health.ArgsPath, limits.Document)
	if err != nil {
		return err
	}
	if args := strings.TrimSuffix(string(text), "\n"); args != "" {
		test.Args = append(slices.Clone(test.Args), strings.Split(args, "\n")...)
	}
	return nil
}

// takeProbe makes a check that calls the probe the probe's, and reports whether the image
// needs kohealth's. A program of the base's own at the probe's path stays, unless BusyBox is
// wanted, whose tools are links to the probe whoever checks.
func (w *work) takeProbe(base *rootfs.FS) (needed bool, err error) {
	check := &w.added.Check
	busybox := check.Tool == health.ToolBusybox
	if !check.Test.UsesProbe() || check.Test.Kind != health.Probe && !busybox && has(base, health.ProbePath) {
		return busybox, nil
	}
	check.Test, err = check.Test.AsProbe()
	return true, err
}

// addProbe adds the probe's layer and, for a check that is the probe's, its arguments'.
func (w *work) addProbe(ctx context.Context, base *rootfs.FS) error {
	binary, err := w.Compiler.Probe(ctx, w.platform, Variant(w.added.Check))
	if err != nil {
		return err
	}
	image := base.Clone()
	w.added.ProbeAt = health.ProbePath
	w.added.Probe, err = w.addFile(image, layers.File{Path: health.ProbePath, Mode: 0o555, Content: binary}, oci.ProbeMark)
	content := argsFile(w.added.Check)
	if err != nil || content == nil {
		return err
	}
	_, err = w.addFile(image, layers.File{Path: health.ArgsPath, Mode: 0o444, Content: content}, oci.ArgumentsMark)
	return err
}

// argsFile returns the content of the file with a check's arguments, or nil if there is none.
func argsFile(check health.Check) []byte {
	args := check.FileArgs()
	if len(args) == 0 {
		return nil
	}
	return []byte(strings.Join(args, "\n") + "\n")
}

// addFile adds a layer of one file.
func (w *work) addFile(image *rootfs.FS, f layers.File, mark string) (v1.Layer, error) {
	files, err := place(image, f)
	if err != nil {
		return nil, err
	}
	putAll(image, files)
	return w.insert(files, mark+", at "+f.Path)
}

// Variant returns the smallest probe that a check can do with.
func Variant(check health.Check) layers.Variant {
	if check.NeedsTLS() {
		return layers.TLS
	}
	return layers.Plain
}
