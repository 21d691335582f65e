package judge

import (
	"archive/tar"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/rootfs"
)

// exists reports whether something is at a path when the check runs. What hardly is there
// is noted in sh.hardly.
func (sh *shell) exists(name string) (e rootfs.Entry, is maybe) {
	name = sh.absolute(name)
	switch {
	case name == "/dev/null", name == "/dev/stdout", name == "/dev/stderr":
		return rootfs.Entry{Path: name, Type: tar.TypeChar, Mode: 0o666}, yes
	case slices.Contains(madeByRuntimes, name), sh.container.Files == nil, !isKnown(name), sh.container.mountOver(name) != "", sh.container.isAdded(name):
		return e, perhaps
	}
	e, ok := sh.lookup(name)
	settled, locked := sh.isSettled(name), !ok && sh.isLocked(name)
	switch {
	case sh.err != nil:
	case settled && ok, sh.expected && ok && !sh.isChanging(name):
		return e, yes
	case sh.expected && !ok && withinAny(name, imageDirs):
		return e, no
	case settled, locked && !withinAny(name, changing):
		return e, no
	case !ok && (sh.container.ReadOnly && locked || withinAny(name, imageDirs) || !withinAny(name, changing) && !sh.has(path.Dir(name))):
		sh.hardly = name
	}
	return e, perhaps
}

// imageText returns the text of a file that is hardly another in the container than in the
// image: it lies where images have their files.
func (sh *shell) imageText(full string) (text string, ok bool) {
	if !isKnown(full) || !withinAny(full, slices.Concat(programDirs, imageDirs)) || sh.container.mountOver(full) != "" ||
		sh.container.isAdded(full) || slices.Contains(madeByRuntimes, full) {
		return "", false
	}
	if e, there := sh.lookup(full); !there || e.Type != tar.TypeReg {
		return "", false
	}
	text = sh.readFile(full)
	return text, isKnown(text) && !strings.Contains(text, "\x00") && len(text) < maxText
}

// guessed is what comes of a condition that has taken something for missing that hardly is
// there. That is worth a warning if the condition is false because of it.
func (sh *shell) guessed(is maybe, ctx scene, at int) maybe {
	name := sh.hardly
	if sh.hardly = ""; name == "" {
		return is
	}
	if is == no {
		sh.cause(ctx, "no-file", at, name+" is not in the image")
	}
	return perhaps
}

// isLocked reports whether nothing in the container can make a file at a path: the root
// file system is read-only, or the container's user may not write there.
func (sh *shell) isLocked(name string) bool {
	c := sh.container
	switch {
	case c.MountsOpen, withinAny(name, c.Volumes), withinAny(name, kernels):
		return false
	case c.ReadOnly:
		return true
	case c.UserOpen:
		return false
	}
	id := sh.identify(c.User)
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if e, ok := sh.lookup(dir); ok || dir == "/" {
			return ok && id.uid != 0 && !id.unknown && !id.may(e, 2)
		}
	}
}

// absolute returns a path from the root; it is [Unknown] if that is not known.
func (sh *shell) absolute(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	if !isKnown(sh.dir) || sh.dir == "" {
		return Unknown
	}
	return path.Join(sh.dir, name)
}

// file opens a file that a redirection names.
func (sh *shell) file(r *syntax.Redirect, name string, writes bool, ctx scene) status {
	switch {
	case strings.HasPrefix(name, "/dev/tcp/"), strings.HasPrefix(name, "/dev/udp/"):
		return sh.devTCP(r, name, ctx)
	case !isKnown(name):
		return either
	case name == "/dev/null", name == "/dev/stdout", name == "/dev/stderr", name == "/dev/stdin", name == "/dev/tty",
		strings.HasPrefix(name, "/proc/1/fd/"), strings.HasPrefix(name, "/proc/self/fd/"):
		return passes
	case !writes:
		_, is := sh.exists(name)
		if is == no {
			sh.cause(ctx, "no-file", sh.redirectOffset(r), name+" is not in the image")
			return fails
		}
		sh.guessed(no, ctx, sh.redirectOffset(r))
		return sh.asExpected(is == yes)
	}
	why, sure := sh.cannotWrite(name)
	if why != "" {
		sh.cause(ctx, "no-file", sh.redirectOffset(r), why)
	}
	if sure {
		return fails
	}
	return either
}

// cannotWrite says why a file cannot be written, or nothing. sure is false if it may be
// written all the same: a directory may be made, and Podman has a /tmp of its own.
func (sh *shell) cannotWrite(name string) (why string, sure bool) {
	full, c := sh.absolute(name), sh.container
	if !isKnown(full) || c.Files == nil || c.MountsOpen || c.mountOver(full) != "" || c.isAdded(full) || c.isAdded(path.Dir(full)) || withinAny(full, kernels) {
		return "", false
	}
	parent := path.Dir(full)
	e, ok := sh.lookup(full)
	dir, there := sh.lookup(parent)
	switch {
	case sh.err != nil:
		return "", false
	case !there || dir.Type != tar.TypeDir:
		return "the directory of " + name + " is not in the image", sh.isSettled(parent) || sh.isLocked(parent)
	case c.ReadOnly && !withinAny(full, c.Volumes):
		return name + " cannot be written: the root file system is read-only", !withinAny(full, changing)
	}
	if who := sh.cannot(e, ok, 2); who != "" {
		return "user " + who + " may not write " + name, true
	}
	if who := sh.cannot(dir, !ok, 2); who != "" {
		return "user " + who + " may not write to " + parent, true
	}
	return "", false
}

// cannot returns the container's user if that one surely lacks a right to something that is
// in the image, or nothing.
func (sh *shell) cannot(e rootfs.Entry, ok bool, right int64) (who string) {
	c := sh.container
	if !ok || c.UserOpen || c.MountsOpen || withinAny(e.Path, c.Volumes) || c.mountOver(e.Path) != "" || c.isAdded(e.Path) {
		return ""
	}
	if id := sh.identify(c.User); id.uid != 0 && !id.unknown && !id.may(e, right) {
		return c.User
	}
	return ""
}

func (sh *shell) redirectOffset(r *syntax.Redirect) int { return sh.script.offset(r) }

// devTCP opens bash's /dev/tcp/HOST/PORT, which is a file that is not there in other
// shells.
func (sh *shell) devTCP(r *syntax.Redirect, name string, ctx scene) status {
	switch sh.dialect {
	case bash:
		if _, port, ok := strings.Cut(strings.TrimPrefix(name[5:], "tcp/"), "/"); ok {
			sh.asks(asked{arg: sh.arg, offset: sh.of(sh.redirectOffset(r)), tool: "bash", scheme: "tcp", port: port})
		}
		return sh.asExpected(true)
	case anyShell:
		return either
	}
	sh.cause(ctx, "bash-only", sh.redirectOffset(r), fmt.Sprintf("%s is bash's, and the shell is %s here", name[:len("/dev/tcp")], sh.dialect))
	return fails
}
