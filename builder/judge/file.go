package judge

import (
	"archive/tar"
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ko-health/kohealth/builder/rootfs"
)

// exists reports whether something is at a path when the check runs.
func (sh *shell) exists(name string) (e rootfs.Entry, is maybe) {
	name = sh.absolute(name)
	switch {
	case name == "/dev/null", name == "/dev/stdout", name == "/dev/stderr":
		return rootfs.Entry{Path: name, Type: tar.TypeChar, Mode: 0o666}, yes
	case !sh.isSettled(name):
		return e, perhaps
	}
	if e, ok := sh.lookup(name); ok {
		return e, yes
	}
	if sh.err != nil {
		return e, perhaps
	}
	return e, no
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
		if _, is := sh.exists(name); is == no {
			sh.cause(ctx, "no-file", sh.redirectOffset(r), name+" is not in the image")
			return fails
		}
		return either
	}
	full := sh.absolute(name)
	if sh.container.ReadOnly && isKnown(full) && sh.container.mountOver(full) == "" && !within(full, "/dev") && !within(full, "/proc") {
		sh.tell("no-file", sh.redirectOffset(r), name+" cannot be written: the root file system is read-only", nil)
	}
	if dir, is := sh.exists(path.Dir(sh.absolute(name))); is == no || is == yes && dir.Type != tar.TypeDir {
		sh.cause(ctx, "no-file", sh.redirectOffset(r), "the directory of "+name+" is not in the image")
		return fails
	}
	return either
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
		return either
	case anyShell:
		return either
	}
	sh.cause(ctx, "bash-only", sh.redirectOffset(r), fmt.Sprintf("%s is bash's, and the shell is %s here", name[:len("/dev/tcp")], sh.dialect))
	return fails
}
