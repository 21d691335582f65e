package lint

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// A program is what an image holds of a program that a check calls.
type program struct {
	call
	Path       string // where it is, links followed; "" if it is nowhere
	Executable bool   // by anybody
	Blocked    string // what of its path the container's user may not execute; "" is nothing
	User       string // that user
	Arch       string // GOARCH of a binary; "" is no binary, or one of an unknown machine
	Missing    string // what it needs to start and is not in the image; "" is nothing
	IsProbe    bool   // kohealth's
}

// A looker looks into an image for a container.
type looker struct {
	image *image
	c     *container
}

func (l *looker) look() error {
	for _, call := range l.c.Command.Calls {
		p, err := l.program(call)
		if err != nil {
			return err
		}
		l.c.Programs = append(l.c.Programs, p)
	}
	if l.c.Check.form() != "CMD-SHELL" {
		return nil
	}
	shell, err := l.program(call{Name: "/bin/sh", Pos: l.c.Check.at(0)})
	l.c.Shell = shell
	return err
}

// program finds a program and what it needs.
func (l *looker) program(c call) (*program, error) {
	p := &program{call: c}
	name, e, err := l.find(c.Name)
	if err != nil || name == "" {
		return p, err
	}
	p.Path = e.Path
	p.Executable = e.Type == tar.TypeReg && e.Mode&0o111 != 0
	p.IsProbe = l.image.Kohealth && path.Base(e.Path) == path.Base(health.ProbePath)
	if !p.Executable {
		return p, nil
	}
	b, err := l.binary(name)
	if err != nil {
		return p, err
	}
	p.Arch = b.arch
	if p.Missing, err = l.missing(b, path.Dir(e.Path)); err != nil {
		return p, err
	}
	p.Blocked, p.User, err = l.blocked(e)
	return p, err
}

// find returns the name under which a program is found, and what is there.
func (l *looker) find(program string) (name string, e rootfs.Entry, err error) {
	var names []string
	if strings.Contains(program, "/") {
		names = []string{path.Join(cmp.Or(l.image.Config.WorkingDir, "/"), program)}
		if path.IsAbs(program) {
			names = []string{program}
		}
	} else {
		names = l.inPath(program)
		first, err := l.image.fsys.First(names)
		if err != nil {
			return "", e, err
		}
		if first != "" { // it need not come first in PATH: whether there is one is the question
			names = append([]string{first}, names...)
		}
	}
	for _, name := range names {
		e, err := l.image.fsys.Lookup(name)
		switch {
		case err == nil && e.Type != tar.TypeDir:
			return name, e, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", e, err
		}
	}
	return "", e, nil
}

// defaultPath is Docker's for images that have none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (l *looker) inPath(program string) (names []string) {
	dirs, ok := l.c.environ("PATH")
	if !ok {
		dirs = defaultPath
	}
	for _, dir := range strings.Split(dirs, ":") {
		if path.IsAbs(dir) {
			names = append(names, path.Join(dir, program))
		}
	}
	return names
}

// blocked returns the first part of a path that the container's user may not execute.
func (l *looker) blocked(e rootfs.Entry) (part, user string, err error) {
	var parts []rootfs.Entry
	for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
		parent, err := l.image.fsys.Lookup(dir)
		if err != nil {
			return "", "", err
		}
		parts = append(parts, parent)
	}
	slices.Reverse(parts)
	parts = append(parts, e)
	if !slices.ContainsFunc(parts, func(e rootfs.Entry) bool { return e.Mode&0o001 == 0 }) {
		return "", "", nil // anybody may
	}
	user, ok := l.c.user()
	if !ok {
		return "", "", nil
	}
	id, err := l.identify(user)
	if err != nil || id.unknown || id.uid == 0 { // root may execute what anybody may
		return "", user, err
	}
	for _, e := range parts {
		if !id.mayExecute(e) {
			return e.Path, user, nil
		}
	}
	return "", user, nil
}

// readFile returns a small file, or nothing if there is none.
func (l *looker) readFile(name string) (string, error) {
	const limit = 1 << 20
	if text, ok := l.image.files[name]; ok {
		return text, nil
	}
	r, err := l.image.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	l.image.files[name] = string(data)
	return string(data), nil
}
