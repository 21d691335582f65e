package builder

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
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

// judge tells whether a check runs the program.
func (p *Program) judge(check health.Check) error {
	test := check.Test
	switch {
	case p == nil:
		return nil
	case check.Tool == health.ToolBusybox:
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

// programComment begins the comment of a program's history entry.
const programComment = "health check program"

// addProgram adds the program, and packages, in place of what an earlier kohealth left.
func (r *rewriter) addProgram(ctx context.Context, d *draft) error {
	p := r.original.Program
	d.dropOurs()
	_, image, err := r.addPackages(ctx, d)
	if err != nil {
		return err
	}
	if has(image, p.Path) {
		return hint.With(fmt.Errorf("adding %q: the image has a file of its own there", p.Path),
			"run the image's own program, without --probe-from")
	}
	content, origin, err := r.readProgram(ctx, d.platform)
	if err != nil {
		return fmt.Errorf("reading %q of image %q: %w", p.Path, images.Redact(p.Image), err)
	}
	if err := r.checkRuns(content, d.platform, image); err != nil {
		return fmt.Errorf("adding %q of image %q: %w", p.Path, images.Redact(p.Image), err)
	}
	files, err := place(image, layers.File{Path: p.Path, Mode: 0o555, Content: content})
	if err != nil {
		return err
	}
	_, err = r.insertFiles(d, files, fmt.Sprintf("%s of %s, at %s", programComment, origin, p.Path))
	return err
}

// readProgram returns the program for a platform, and the image that it is from: by name and
// digest, or by digest if it is in a file.
func (r *rewriter) readProgram(ctx context.Context, platform v1.Platform) (content []byte, origin string, err error) {
	p, o := r.original.Program, r.original.Open
	o.Platform = &v1.Platform{OS: platform.OS, Architecture: platform.Architecture}
	if platform.Architecture == "arm" { // elsewhere every variant runs what names none
		o.Platform.Variant = platform.Variant
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
	if content, err = r.readExecutable(all, p.Path); err != nil {
		return nil, "", err
	}
	origin = digest.String()
	if ref := img.Reference; ref != "" {
		ref, _, _ = strings.Cut(ref, "@")
		origin = ref + "@" + origin
	}
	return content, origin, nil
}

func (r *rewriter) readExecutable(all []v1.Layer, name string) ([]byte, error) {
	fsys, err := rootfs.Read(all, r.files())
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

// machines are the architectures as ELF files name them.
func machines() map[string]elf.Machine {
	return map[string]elf.Machine{
		"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "loong64": elf.EM_LOONGARCH,
		"mips64le": elf.EM_MIPS, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV, "s390x": elf.EM_S390,
	}
}

// checkRuns refuses a program that cannot start in an image: one of another
// architecture, or one whose loader or interpreter is not there.
func (r *rewriter) checkRuns(content []byte, platform v1.Platform, image *rootfs.FS) error {
	static := "take a program that is linked statically"
	if script, ok := bytes.CutPrefix(content, []byte("#!")); ok {
		line, _, _ := strings.Cut(string(script), "\n")
		if words := strings.Fields(line); len(words) > 0 && hasFile(image, words[0]) {
			return nil
		}
		return hint.With(fmt.Errorf("the script's interpreter %q is not in the image", strings.TrimSpace(line)), static)
	}
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return errors.New("the file is no program for Linux: neither ELF nor a script")
	}
	if want, known := machines()[platform.Architecture]; known && f.Machine != want {
		return fmt.Errorf("the program is for %s, the image for %s", f.Machine, platform)
	}
	loader, err := loaderOf(f)
	if err != nil || loader == "" {
		return err
	}
	if !hasFile(image, loader) {
		return hint.With(fmt.Errorf("the program is linked dynamically, and its loader %q is not in the image", loader), static)
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading the program: %w", err)
	}
	r.say("warning: %s is linked dynamically: it runs only if the image has %s", r.original.Program.Path, strings.Join(libraries, ", "))
	return nil
}

// hasFile tells whether there is something at an absolute path that can be run.
func hasFile(image *rootfs.FS, name string) bool {
	e, err := image.Lookup(name)
	return err == nil && path.IsAbs(name) && e.Type != tar.TypeDir
}

// loaderOf returns the program that loads a dynamically linked one, or "".
func loaderOf(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		raw := make([]byte, min(p.Filesz, 4096))
		if _, err := p.ReadAt(raw, 0); err != nil {
			return "", fmt.Errorf("reading the program: %w", err)
		}
		return string(bytes.TrimRight(raw, "\x00")), nil
	}
	return "", nil
}
