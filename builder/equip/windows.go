package equip

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers"
)

// equipWindows is equip for Windows. It does not look into the base, which can be as large as
// several gigabytes: what kohealth adds stands where no base has anything.
func (w *work) equipWindows(ctx context.Context) (err error) {
	check := &w.added.Check
	switch {
	case w.Program != nil:
		return hint.With(errors.New("programs of other images are added to images for Linux only"), "name other platforms with --platform")
	case len(check.AllPackages()) > 0:
		_, err := apkArch(w.platform)
		return err
	case !check.Test.UsesProbe():
		return nil
	}
	if check.Test, err = check.Test.AsProbe(); err != nil {
		return err
	}
	binary, err := w.Compiler.Probe(ctx, w.platform, Variant(*check))
	if err != nil {
		return err
	}
	w.added.ProbeAt = health.WindowsProbePath
	w.added.Probe, err = w.addWindowsFile(layers.File{Path: w.added.ProbeAt, Mode: 0o555, Content: binary}, oci.ProbeMark)
	content := argsFile(*check)
	if err != nil || content == nil {
		return err
	}
	_, err = w.addWindowsFile(layers.File{Path: health.WindowsArgsPath, Mode: 0o444, Content: content}, oci.ArgumentsMark)
	return err
}

// addWindowsFile adds a layer of one file.
func (w *work) addWindowsFile(f layers.File, mark string) (v1.Layer, error) {
	return w.insert(layers.ForWindows(f), mark+", at "+f.Path)
}
