package judge

import (
	"archive/tar"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/executable"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// A program is what an image holds of a program that a check calls.
type program struct {
	rootfs.Entry // Path is "" where it is not known
	tool         string
	flavour
}

// A flavour tells programs of one name from each other.
type flavour int

const (
	plain   flavour = iota // the one that the name is of: GNU's, or whoever's
	busybox                // an applet
	ours                   // kohealth's probe, by whatever name
	unsure
)

// find looks for a program as the shell, or the runtime, does.
func (sh *shell) find(name string) (p *program, is maybe) {
	p = &program{tool: path.Base(name), flavour: unsure}
	if sh.container.Kohealth && name == health.ProbePath {
		p.flavour = ours
	}
	if sh.container.Files == nil || !isKnown(name) {
		return p, perhaps
	}
	names, ok := sh.candidates(name)
	if !ok {
		return p, perhaps
	}
	for _, n := range sh.ordered(names) {
		if e, ok := sh.lookup(n); ok && e.Type != tar.TypeDir {
			p.Entry = e
			p.flavour = sh.flavourOf(p)
			return p, yes
		}
	}
	if sh.err != nil || slices.ContainsFunc(names, sh.isChanging) {
		return p, perhaps
	}
	return p, no
}

// candidates returns where a program may be; ok is false if that is not known.
func (sh *shell) candidates(name string) (names []string, ok bool) {
	if strings.Contains(name, "/") {
		full := sh.absolute(name)
		return []string{full}, full != Unknown
	}
	dirs := sh.value("PATH")
	if !isKnown(dirs) {
		return nil, false
	}
	for _, dir := range strings.Split(strings.TrimPrefix(dirs, unset), ":") {
		if full := sh.absolute(dir); full != Unknown {
			names = append(names, path.Join(full, name))
		}
	}
	return names, true
}

// ordered puts the name first that a layer has first, so that no more of the layers is
// read than needed: whether there is one is the question.
func (sh *shell) ordered(names []string) []string {
	first, err := sh.container.Files.First(names)
	if err != nil {
		sh.fail(err)
		return nil
	}
	if first == "" || sh.shadows(names) {
		return names
	}
	return append([]string{first}, names...)
}

// shadows reports whether it matters which program of a name comes first.
func (sh *shell) shadows(names []string) bool {
	return len(names) > 0 && path.Base(names[0]) == "wget" // GNU's, or BusyBox's
}

func (sh *shell) flavourOf(p *program) flavour {
	switch base := path.Base(p.Path); {
	case sh.container.Kohealth && base == path.Base(health.ProbePath):
		return ours
	case strings.HasPrefix(base, "busybox"), p.tool == "wget" && sh.holds(p.Path, "BusyBox v"):
		return busybox
	}
	return plain
}

// program runs a program.
func (sh *shell) program(c *call) result {
	p, is := sh.find(c.name())
	switch {
	case is == perhaps:
		return sh.start1(p, c)
	case is == no && sh.dialect == ash && sh.isApplet(c.name()):
		p.flavour = busybox
		return sh.start1(p, c).or(notFound) // BusyBox may be built to find its own
	case is == no:
		return sh.absent(c)
	}
	if r, ok := sh.startable(p, c); !ok {
		return r
	}
	if b := sh.readProgram(p.Path); b.Script || !b.ELF {
		return sh.scriptFile(p, b, c)
	}
	return sh.start1(p, c)
}

// absent notes that a program is not there.
func (sh *shell) absent(c *call) result {
	name := c.name()
	if strings.Contains(name, "/") && sh.container.MountsOpen && !sh.isSettled(sh.absolute(name)) {
		sh.tell("no-program", c.at, name+" is not in the image", nil)
		return unclear
	}
	switch {
	case name == "[[" || bashOnly[name] && sh.dialect != bash && sh.dialect != anyShell:
		sh.cause(c.scene, "bash-only", c.at, name+" is bash's, and the shell is "+sh.dialect.String()+" here")
	case strings.Contains(name, "/"):
		sh.cause(c.scene, "no-program", c.at, name+" is not in the image")
	default:
		sh.cause(c.scene, "no-program", c.at, name+" is not in the image's PATH")
	}
	sh.meant(c)
	return notFound
}

// meant notes what a program would ask if it were there.
func (sh *shell) meant(c *call) {
	notes := sh.notes
	sh.start1(&program{tool: path.Base(c.name())}, c)
	sh.notes = notes
}

// isApplet reports whether the image's BusyBox has an applet.
func (sh *shell) isApplet(name string) bool {
	return sh.shellPath != "" && !strings.Contains(name, "/") && sh.hasApplet(sh.shellPath, name)
}

// hasApplet reports whether a BusyBox has an applet: its names stand one after the other,
// in order, and [ and [[ come first, if it has them.
func (r *run) hasApplet(file, name string) bool {
	_, names, ok := strings.Cut(r.readFile(file), "\x00[\x00[[\x00")
	if !ok {
		return r.holds(file, "\x00"+name+"\x00")
	}
	for applet := range strings.SplitSeq(names, "\x00") {
		if applet == name {
			return true
		}
		if applet == "" || applet > name {
			return false
		}
	}
	return false
}

// startable notes what keeps a program that is there from starting.
func (sh *shell) startable(p *program, c *call) (r result, ok bool) {
	fail := func(rule, message string, r result) (result, bool) {
		sh.cause(c.scene, rule, c.at, message)
		return r, false
	}
	arch := sh.container.Platform.Architecture
	if dir := sh.container.mountOver(p.Path); dir != "" {
		sh.tell("hidden-by-mount", c.at, "what is mounted at "+dir+" hides "+p.Path, nil)
		sh.ignored = true
		return unclear, false
	}
	if p.Type != tar.TypeReg || p.Mode&0o111 == 0 {
		return fail("not-executable", p.Path+" is not an executable file: its mode is to be 0755", cannotRun)
	}
	if part, user := sh.blocked(p.Entry); part != "" {
		return fail("user-cannot-execute", "user "+user+" may not execute "+part, cannotRun)
	}
	b := sh.readProgram(p.Path)
	if b.Arch != "" && arch != "" && !b.RunsOn(arch) {
		return fail("wrong-architecture", c.name()+" is for "+b.Arch+", and the image is for "+arch+": exec format error", cannotRun)
	}
	if missing := sh.missing(b, path.Dir(p.Path)); missing != "" {
		return fail("missing-library", p.Path+" needs "+missing+", which is not in the image", notFound)
	}
	return r, true
}

// blocked returns the first part of a path that the container's user may not execute.
func (sh *shell) blocked(e rootfs.Entry) (part, user string) {
	var parts []rootfs.Entry
	for dir := path.Dir(e.Path); dir != "/"; dir = path.Dir(dir) {
		if parent, ok := sh.lookup(dir); ok {
			parts = append(parts, parent)
		}
	}
	slices.Reverse(parts)
	parts = append(parts, e)
	anybody := !slices.ContainsFunc(parts, func(e rootfs.Entry) bool { return e.Mode&0o001 == 0 })
	if anybody || sh.container.UserOpen {
		return "", ""
	}
	id := sh.identify(sh.container.User)
	if id.unknown || id.uid == 0 { // root may execute what anybody may
		return "", ""
	}
	for _, e := range parts {
		if !id.may(e, 1) {
			return e.Path, sh.container.User
		}
	}
	return "", ""
}

// scriptFile runs a script that is in the image.
func (sh *shell) scriptFile(p *program, b executable.File, c *call) result {
	interpreter := b.Interpreter
	if !b.Script {
		if sh.dialect == anyShell || sh.isExec {
			return result{status: either}
		}
		interpreter = "/bin/sh" // what shells do with a file that the kernel cannot start
	}
	if b.Script && interpreter != "" && !sh.has(interpreter) && !sh.isChanging(interpreter) {
		message := p.Path + " needs " + strings.ReplaceAll(interpreter, "\r", `\r`) + ", which is not in the image"
		if strings.HasSuffix(interpreter, "\r") {
			message += ": its lines end with CR LF"
		}
		sh.cause(c.scene, "missing-library", c.at, message)
		return notFound
	}
	if path.Base(interpreter) == "env" {
		interpreter, b.Argument = b.Argument, ""
	}
	d, isShell := shellNames[path.Base(interpreter)]
	if !isShell {
		sh.ignored = true
		return unclear
	}
	inner := c.shifted(0)
	if q, is := sh.find(interpreter); is == yes {
		d = sh.dialectOf(q)
	}
	return sh.scriptOf(d, sh.readFile(p.Path), inner, b.Argument)
}

// scriptOf runs a script in a shell of its own.
func (sh *shell) scriptOf(d dialect, text string, c *call, options string) result {
	if sh.depth > maxDepth {
		return unclear
	}
	child := sh.newShell(d, place{sh.arg, sh.of(c.at), true})
	child.depth, child.dir, child.shellPath = sh.depth+4, sh.dir, sh.shellPath
	child.args, child.argsOpen = c.args(), c.open
	for name, value := range sh.vars {
		if !sh.isExported(name, c) {
			value = Unknown
		}
		child.vars[name] = value
	}
	child.lost = sh.lost
	child.setFlags(options)
	return child.interpret(text, scene{read: c.read, spare: c.spare, in: c.in})
}

// isExported reports whether a variable is passed on to programs.
func (sh *shell) isExported(name string, c *call) bool {
	if _, ok := sh.container.Env[name]; ok || slices.Contains(sh.exported, name) {
		return true
	}
	if c.node == nil {
		return false
	}
	for _, a := range c.node.Assigns {
		if a.Name != nil && a.Name.Value == name {
			return true
		}
	}
	return false
}
