package judge

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// start1 does what a program does, by its name.
func (sh *shell) start1(p *program, c *call) result {
	switch p.tool {
	case "busybox":
		return c.applet(p)
	case "sh", "ash", "dash", "bash":
		return c.startShell(p)
	case "timeout":
		return c.timeout(p)
	case "env", "nice", "nohup", "setsid", "stdbuf", "ionice", "time", "su-exec", "gosu", "tini", "dumb-init", "chronic":
		return c.wrapped()
	case "su":
		return c.su()
	case "xargs":
		return c.xargs()
	case "which":
		return c.which()
	}
	sh.ignored = true
	switch {
	case p.tool == "curl":
		return c.curl(p)
	case p.tool == "wget":
		return c.wget(p)
	case p.flavour == ours:
		return c.probe()
	case p.tool == "sleep":
		return c.sleep()
	}
	return c.utility(p)
}

// applet runs busybox APPLET.
func (c *call) applet(p *program) result {
	args := c.args()
	if len(args) == 0 || c.open && args[0] == Unknown || !isKnown(args[0]) || strings.HasPrefix(args[0], "-") {
		return unclear
	}
	inner := c.shifted(1)
	name := args[0]
	if p.Path != "" && !strings.Contains(name, "/") && !c.hasApplet(p.Path, name) && name != "busybox" {
		c.cause(c.scene, "no-program", c.at, name+" is not an applet of "+p.Path)
		return notFound
	}
	if f := c.builtin(name); f != nil && slices.Contains([]string{"true", "false", "echo", "printf", "test", "["}, name) {
		return f(inner)
	}
	q := *p
	q.tool, q.flavour = path.Base(name), busybox
	return c.start1(&q, inner)
}

// startShell runs sh -c SCRIPT, or sh FILE.
func (c *call) startShell(p *program) result {
	args := c.args()
	d := shellNames[p.tool]
	if p.Path != "" {
		d = c.dialectOf(p)
	}
	flags, command := "", false
	for len(args) > 0 && (strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[0], "+")) && len(args[0]) > 1 {
		a := args[0]
		args = args[1:]
		switch {
		case a == "--":
		case strings.HasPrefix(a, "--") && d == dash:
			c.cause(c.scene, "unknown-option", c.at, "dash does not know the option "+shown(a))
			return failsWith("2")
		case strings.HasPrefix(a, "--"):
			continue
		case strings.HasSuffix(a, "o") && len(args) > 0:
			flags += a[:len(a)-1] + "o " + args[0] + " "
			args = args[1:]
			continue
		}
		command = command || strings.Contains(a, "c") && !strings.HasPrefix(a, "+")
		flags += a + " "
	}
	if len(args) == 0 && !c.open {
		if command {
			return failsWith("2")
		}
		if !isKnown(c.in) || c.depth > maxDepth {
			return unclear
		}
		return c.scriptOf(d, c.in, c.shifted(0), flags) // the script is its standard input
	}
	if c.open && !isKnown(strings.Join(args, "")) {
		return unclear
	}
	inner := c.shifted(len(c.words) - len(args))
	if !command {
		return c.shellFile(d, inner, flags)
	}
	inner.words = append([]string{"sh"}, args[min(2, len(args)):]...)
	return c.nestedScript(d, args[0], inner, flags, p)
}

// shellFile runs sh FILE.
func (c *call) shellFile(d dialect, inner *call, flags string) result {
	name := c.absolute(inner.name())
	e, ok := c.lookup(name)
	if who := c.cannot(e, ok, 4); who != "" {
		c.cause(c.scene, "no-file", c.at, "user "+who+" may not read "+inner.name())
		return failsWith("2")
	}
	if !ok || e.Type != '0' || c.isChanging(name) {
		if c.container.Files != nil && !ok && c.err == nil && !c.isChanging(name) {
			c.cause(c.scene, "no-program", c.at, inner.name()+" is not in the image")
			return failsWith("2")
		}
		return unclear
	}
	return c.scriptOf(d, c.readFile(name), inner, flags)
}

// nestedScript runs a script that is an argument of a shell.
func (c *call) nestedScript(d dialect, text string, inner *call, flags string, p *program) result {
	if c.isExec { // it stands in the test as it is
		child := c.newShell(d, place{arg: c.indexOf(text)})
		child.shellPath = p.Path
		child.args, child.argsOpen = inner.args(), inner.open
		if r, ok := child.startOptions(flags, c.scene); !ok {
			return r
		}
		return child.interpret(text, scene{read: c.read, in: c.in})
	}
	outer := c.shellPath
	c.shellPath = p.Path
	r := c.scriptOf(d, text, inner, flags)
	c.shellPath = outer
	return r
}

// startOptions sets what a shell is started with.
func (sh *shell) startOptions(flags string, ctx scene) (r result, ok bool) {
	words := strings.Fields(flags)
	for i := 0; i < len(words); i++ {
		sh.setFlags(words[i])
		if strings.HasSuffix(words[i], "o") && i+1 < len(words) {
			i++
			if !sh.setOption(words[i], true) && sh.dialect == dash {
				sh.cause(ctx, "bash-only", 0, "-o "+words[i]+" is not dash's, which is the shell here")
				return failsWith("2"), false
			}
		}
	}
	return r, true
}

// indexOf returns which of the test's arguments a word is.
func (c *call) indexOf(word string) int {
	for i, w := range c.words {
		if w == word {
			return i + c.first
		}
	}
	return 1
}

// timeout runs a program that is ended after a while.
func (c *call) timeout(p *program) result {
	args := c.args()
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		a := args[0]
		args = args[1:]
		if slices.Contains([]string{"-s", "-k", "--signal", "--kill-after"}, a) && len(args) > 0 {
			args = args[1:]
		}
		if c.timeoutRefuses(p, a) {
			return result{status: fails}
		}
		if a == "-t" { // of older BusyBoxes
			if len(args) > 0 {
				args = args[1:]
			}
			args = append([]string{"0"}, args...)
		}
	}
	if c.open {
		return unclear
	}
	if len(args) < 2 {
		c.cause(c.scene, "no-program", c.at, "timeout is called without a program")
		return failsWith("125")
	}
	if isKnown(args[0]) && strings.Trim(strings.TrimRight(args[0], "smhd"), "0123456789.") != "" {
		return failsWith("125")
	}
	c.late(args[0], "timeout")
	r := c.inner(args[1:])
	if r.status == 0 {
		return failsWith("124")
	}
	r.status |= fails
	return r
}

// timeoutRefuses tells of an option that the image's timeout refuses: -t is of older
// BusyBoxes, which know no long ones.
func (c *call) timeoutRefuses(p *program, option string) bool {
	name, _, _ := strings.Cut(option, "=")
	ofBusyBox := p.flavour == busybox && p.Path != ""
	switch {
	case name == "-t" && ofBusyBox && c.holds(p.Path, "BusyBox v1.3"), name == "-t" && p.flavour == plain && p.Path != "":
	case strings.HasPrefix(name, "--") && name != "--" && name != "--help" && ofBusyBox:
	default:
		return false
	}
	c.cause(c.scene, "unknown-option", c.at, "the image's timeout does not know "+shown(name))
	return true
}

// inner runs a program that another one starts.
func (c *call) inner(words []string) result {
	if len(words) == 0 || !isKnown(words[0]) {
		return unclear
	}
	return c.program(c.shifted(len(c.words) - len(words)))
}

// wrapped runs a program that another one starts after it has changed something.
func (c *call) wrapped() result {
	args := c.args()
	tool := path.Base(c.name())
	takesValue := map[string]string{"env": "uC", "nice": "n", "stdbuf": "ioe", "ionice": "cnp", "time": "fo"}[tool]
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		if tool == "env" && (a == "-i" || a == "-" || a == "-S" || strings.HasPrefix(a, "-u")) {
			return unclear
		}
		if len(a) == 2 && strings.Contains(takesValue, a[1:]) && len(args) > 0 {
			args = args[1:]
		}
	}
	if tool == "su-exec" || tool == "gosu" {
		args = args[min(1, len(args)):]
	}
	saved := c.vars
	c.vars = cloneVars(c.vars)
	defer func() { c.vars = saved }()
	for tool == "env" && len(args) > 0 && strings.Contains(args[0], "=") {
		name, value, _ := strings.Cut(args[0], "=")
		c.vars[name] = value
		c.exported = append(slices.Clone(c.exported), name)
		args = args[1:]
	}
	if len(args) == 0 || c.open {
		return unclear
	}
	r := c.inner(args)
	if tool == "su-exec" || tool == "gosu" || tool == "ionice" || tool == "setsid" {
		r.status |= fails
	}
	return r
}

func cloneVars(vars map[string]string) map[string]string {
	clone := make(map[string]string, len(vars))
	for name, value := range vars {
		clone[name] = value
	}
	return clone
}

// xargs runs a program with more arguments, once, several times or never.
func (c *call) xargs() result {
	args := c.args()
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		a := args[0]
		args = args[1:]
		if len(a) == 2 && strings.Contains("nIdLPsE", a[1:]) && len(args) > 0 {
			args = args[1:]
		}
	}
	if len(args) == 0 || c.open || !isKnown(args[0]) {
		return unclear
	}
	inner := c.shifted(len(c.words) - len(args))
	inner.open = true
	inner.spare = true
	r := c.program(inner)
	if r.status == fails && isKnown(c.in) && strings.TrimSpace(c.in) != "" {
		return failsWith("127")
	}
	return result{status: either, out: Unknown}
}

func (c *call) which() result {
	names := slices.DeleteFunc(slices.Clone(c.args()), func(a string) bool { return strings.HasPrefix(a, "-") })
	if c.open || len(names) == 0 {
		return unclear
	}
	r := result{status: passes, out: Unknown}
	for _, name := range names {
		p, is := c.find(name)
		switch {
		case is == no:
			return result{status: fails, out: map[bool]string{true: "", false: Unknown}[len(names) == 1]}
		case is == perhaps || p.Mode&0o001 == 0:
			r.status = either
		}
	}
	return r
}

// sleep ends the check if it is longer than that may take.
func (c *call) sleep() result {
	if len(c.args()) == 1 && c.check.Timeout > 0 {
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(c.args()[0], "s"), 64)
		if err == nil && time.Duration(seconds*float64(time.Second)) >= c.check.Timeout && !c.open {
			c.cause(c.scene, "too-slow", c.at, "sleep "+c.args()[0]+" is not shorter than the check's timeout of "+c.check.Timeout.String())
			return result{}
		}
	}
	return c.nominally(passes, "")
}

// asExpected is the status of what passes if all is as expected.
func (r *run) asExpected(is bool) status {
	if r.expected && is {
		return passes
	}
	return either
}

// nominally is the result of what ends in one way unless it is called wrongly.
func (c *call) nominally(st status, out string) result {
	if c.nominal {
		return result{status: st, out: out}
	}
	return result{status: either, out: out}
}
