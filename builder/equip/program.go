package equip

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

// A Program is one of another image's that checks in the place of the probe.
type Program struct {
	Image string // as package images takes it
	Path  string // in that image, and in the one that it is added to
}

// ParseProgram parses IMAGE:PATH, such as example.com/checks:v1:/bin/httpcheck. The
// path is absolute.
func ParseProgram(s string) (*Program, error) {
	i := strings.LastIndex(s, ":/")
	if i <= 0 || strings.HasPrefix(s[i:], "://") || strings.ContainsAny(s, "\x00\r\n") {
		return nil, hint.With(fmt.Errorf("parsing program %q: want IMAGE:PATH with an absolute path", images.Redact(s)),
			"write it as in example.com/checks:v1:/bin/httpcheck")
	}
	p := &Program{Image: s[:i], Path: path.Clean(s[i+1:])}
	if p.Path == "/" {
		return nil, fmt.Errorf("parsing program %q: the path names no file", images.Redact(s))
	}
	return p, nil
}

// RunBy returns an error if a check does not run the program.
func (p *Program) RunBy(check health.Check) error {
	test := check.Test
	if check.Tool == health.ToolBusybox {
		return hint.With(errors.New("--health-tool=busybox needs the probe, whose place another program is to take"),
			"add the package busybox-static with --health-package for a shell")
	}
	runs := test.Kind == health.Exec && (test.Args[0] == p.Path || test.Args[0] == path.Base(p.Path)) ||
		test.Kind == health.Shell && strings.Contains(test.Args[0], path.Base(p.Path))
	if runs {
		return nil
	}
	return hint.With(fmt.Errorf("the health check %s does not run %q, the program that is to be added", test, p.Path),
		fmt.Sprintf(`say how to run it, as in --health='["CMD", "%s", "ARGUMENT"]'`, p.Path))
}

// addProgram adds the program to an image.
func (w *work) addProgram(ctx context.Context, image *rootfs.FS) error {
	p := w.Program
	if has(image, p.Path) {
		return hint.With(fmt.Errorf("adding %q: the image has a file of its own there", p.Path),
			"run the image's own program, without --probe-from")
	}
	content, origin, err := w.readProgram(ctx)
	if err != nil {
		return fmt.Errorf("reading %q of image %q: %w", p.Path, images.Redact(p.Image), err)
	}
	if err := w.checkStarts(content, image); err != nil {
		return fmt.Errorf("adding %q of image %q: %w", p.Path, images.Redact(p.Image), err)
	}
	_, err = w.addFile(image, layers.File{Path: p.Path, Mode: 0o555, Content: content}, fmt.Sprintf("%s of %s", oci.ProgramMark, origin))
	return err
}

// readProgram returns the program for the image's platform, and the image that it is from:
// by name and digest, or by digest if it is in a file.
func (w *work) readProgram(ctx context.Context) (content []byte, origin string, err error) {
	p, o := w.Program, w.Images
	o.Platform = &v1.Platform{OS: w.platform.OS, Architecture: w.platform.Architecture}
	if w.platform.Architecture == "arm" { // elsewhere every variant runs what names none
		o.Platform.Variant = w.platform.Variant
	}
	img, err := images.New(ctx, p.Image, o)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	all, err := img.Layers()
	if err != nil {
		return nil, "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, "", err
	}
	if content, err = w.readExecutable(all, p.Path); err != nil {
		return nil, "", err
	}
	origin = digest.String()
	if ref := img.Reference; ref != "" {
		ref, _, _ = strings.Cut(ref, "@")
		origin = ref + "@" + origin
	}
	return content, origin, nil
}

func (w *work) readExecutable(all []v1.Layer, name string) ([]byte, error) {
	fsys, err := rootfs.Read(all, w.Files)
	if err != nil {
		return nil, err
	}
	e, err := fsys.Lookup(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.With(errors.New("there is no such file"), "name the program's path in that image")
	case err != nil:
		return nil, err
	case e.Type != tar.TypeReg:
		return nil, errors.New("it is not a regular file")
	case e.Mode&0o111 == 0:
		return nil, errors.New("the file is not executable")
	}
	return fsys.ReadFile(name, limits.Program)
}
