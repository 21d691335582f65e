package judge

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// bashOnly are the built-in commands of bash's that dash lacks. BusyBox has source, let
// and [[.
var bashOnly = map[string]bool{"source": true, "declare": true, "typeset": true, "shopt": true, "let": true, "mapfile": true,
	"readarray": true, "compgen": true, "complete": true, "pushd": true, "popd": true, "disown": true, "builtin": true, "enable": true,
	"caller": true, "[[": true, "function": true}

// ashToo are those of them that BusyBox's shell has as well.
var ashToo = []string{"source", "let", "[["}

// isBuiltin reports whether a shell runs a command itself.
func (sh *shell) isBuiltin(name string) bool { return name == "" || sh.builtin(name) != nil }

// builtin returns what a built-in command does; nil is none.
func (sh *shell) builtin(name string) func(*call) result {
	if bashOnly[name] {
		switch {
		case sh.dialect == dash, sh.dialect == ash && !slices.Contains(ashToo, name):
			return nil
		case name == "source" && sh.dialect != anyShell:
			return (*call).source
		}
		return (*call).bashs
	}
	switch name {
	case ":", "true":
		return func(*call) result { return succeeds }
	case "false":
		return func(*call) result { return failsWith("1") }
	case "echo":
		return (*call).echo
	case "printf":
		return (*call).printf
	case "test", "[":
		return (*call).test
	case "exit", "return", "break", "continue":
		return (*call).leave
	case "exec":
		return (*call).exec
	case "command":
		return (*call).command1
	case "type", "hash":
		return (*call).typeOf
	case "eval":
		return (*call).eval
	case ".":
		return (*call).source
	case "cd":
		return (*call).cd
	case "set":
		return (*call).set
	case "unset", "export", "readonly", "local", "read", "getopts":
		return (*call).variables
	case "shift":
		return (*call).shift
	case "trap":
		return (*call).trap
	case "kill", "wait", "jobs", "fg", "bg", "umask", "ulimit", "times", "alias", "unalias", "pwd", "fc":
		return func(*call) result { return unclear }
	}
	return nil
}

// bashs runs a built-in command of bash's, which may set the variables that it names.
func (c *call) bashs() result {
	for _, a := range c.args() {
		if name, _, _ := strings.Cut(a, "="); syntax.ValidName(name) {
			c.vars[name] = Unknown
		}
	}
	return result{status: either}
}

// leave runs exit, return, break and continue.
func (c *call) leave() result {
	r := c.leaving()
	j := jump(c.name())
	if len(c.args()) > 1 && (c.dialect == bash || c.dialect == anyShell) { // which may not leave then
		c.exits = c.exits.or(unclear)
		return unclear
	}
	switch j {
	case "exit":
		c.exits = c.exits.or(r)
		return result{}
	case "break", "continue":
		if len(c.args()) > 0 && c.args()[0] != "1" {
			j = "outer"
		}
		r = succeeds
	case "return":
		if c.dialect == bash && c.calls == 0 { // which goes on, unless it is sh
			c.exits = c.exits.or(failsWith("2"))
			return result{status: fails}
		}
		if c.calls == 0 && c.dialect != anyShell && !c.turned { // as exit
			c.exits = c.exits.or(r)
			return result{}
		}
	}
	if c.negated || j == "return" && c.calls == 0 { // shells differ in what is negated
		r.status = either
	}
	if _, known := c.jumps[j]; known || c.inLoop || j == "return" {
		c.jumps[j] = c.jumps[j].or(r)
		return result{}
	}
	return result{status: passes} // outside of loops they do nothing
}

// leaving is the status that exit or return has.
func (c *call) leaving() result {
	args := c.args()
	if len(args) == 0 && !c.open {
		return statusOfCode(c.code)
	}
	if c.open || !isKnown(args[0]) {
		return result{status: either}
	}
	number := args[0]
	if c.dialect == dash { // which passes over space behind a number
		number = strings.TrimRight(number, " \t\r\n")
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || c.dialect == ash && strings.Trim(number[:1], "+-") == "" {
		if strings.HasPrefix(args[0], "-") && c.dialect != dash && c.dialect != ash {
			return result{status: either}
		}
		return failsWith("2")
	}
	return statusOfCode(strconv.Itoa(n % 256))
}

// statusOfCode is the result that an exit status tells of.
func statusOfCode(code string) result {
	switch {
	case code == "0":
		return succeeds
	case !isKnown(code):
		return result{status: either}
	}
	return failsWith(code)
}

func (c *call) exec() result {
	if len(c.args()) == 0 {
		if c.in != "" { // what follows may read it
			c.exits = c.exits.or(unclear)
		}
		return succeeds
	}
	r := c.program(c.shifted(1))
	c.exits = c.exits.or(r)
	return result{}
}

// command1 runs command, which finds no functions, or tells what a word is.
func (c *call) command1() result {
	args := c.args()
	if len(args) > 0 && (args[0] == "-v" || args[0] == "-V") {
		if len(args) > 2 { // dash looks at the first only
			return unclear
		}
		return c.whatIs(args[1:])
	}
	if len(args) > 1 && args[0] == "-p" {
		return unclear
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return result{status: either}
	}
	inner := c.shifted(1)
	if f := c.builtin(inner.name()); f != nil {
		return f(inner)
	}
	return c.program(inner)
}

func (c *call) typeOf() result {
	args := c.args()
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if c.dialect == dash && c.name() == "type" {
			return result{status: fails, out: Unknown} // it looks for a program of that name
		}
		return unclear
	}
	r := c.whatIs(args)
	if r.out != "" || c.name() == "type" {
		r.out = Unknown
	}
	if c.name() == "hash" {
		r.out = ""
	}
	return r
}

// whatIs reports whether all of some words are commands.
func (c *call) whatIs(names []string) result {
	if c.open || len(names) == 0 {
		return unclear
	}
	r := succeeds
	for _, name := range names {
		is := yes
		out := name
		if body, isFunc := c.funcs[name]; isFunc && body == nil {
			is = perhaps
		} else if !isFunc && c.builtin(name) == nil {
			var p *program
			p, is = c.find(name)
			if is == no && c.dialect == ash && c.isApplet(name) {
				is = perhaps
			}
			if is == yes && p.Mode&0o111 == 0 {
				is = perhaps
			}
			out = Unknown
		}
		switch is {
		case no:
			return result{status: fails, code: map[dialect]string{dash: "127", ash: "127", bash: "1"}[c.dialect], out: r.out}
		case perhaps:
			r.status = either
		}
		r.out = together(r.out, out+"\n")
	}
	return r
}

func (c *call) cd() result {
	if len(c.args()) != 1 || c.open || c.args()[0] == "-" {
		c.dir = Unknown
		return result{status: either}
	}
	to := c.absolute(c.args()[0])
	e, is := c.exists(to)
	c.guessed(no, c.scene, c.at)
	switch {
	case is == no:
		c.cause(c.scene, "no-file", c.at, to+" is not in the image")
		return failsWith("2")
	case is == yes && e.Type == '5':
		c.dir = to
		return result{status: passes}
	}
	c.dir = to
	return result{status: either}
}

// variables runs what sets, passes on or removes variables.
func (c *call) variables() result {
	for _, a := range c.args() {
		name, value, assigns := strings.Cut(a, "=")
		switch {
		case c.open || !isKnown(name):
			c.forgetAll()
		case !syntax.ValidName(name):
		case c.name() == "export" || c.name() == "readonly" || c.name() == "local":
			c.exported = append(slices.Clone(c.exported), name)
			if split := c.node != nil && len(c.words) != len(c.node.Args)-c.first; assigns && split { // which only old shells do
				c.vars[name] = Unknown
			} else if assigns {
				c.vars[name] = value
			}
			if c.name() == "readonly" {
				c.readonly = append(slices.Clone(c.readonly), name)
			}
		case c.name() == "unset":
			c.vars[name] = unset
			if _, ok := c.funcs[name]; ok {
				c.funcs[name] = nil
			}
		default:
			c.vars[name] = Unknown
		}
	}
	switch c.name() {
	case "read":
		return c.readLine()
	case "getopts":
		return result{status: either}
	case "local":
		if c.calls == 0 {
			return c.notInFunction(c.scene, c.at)
		}
	}
	if len(c.readonly) > 0 {
		c.exits = c.exits.or(failsWith("2"))
		return result{status: either}
	}
	return succeeds
}

func (c *call) shift() result {
	c.argsOpen = true
	c.exits = c.exits.or(failsWith("2"))
	return result{status: either}
}

// leaves matches what may end a shell in another way than it would have ended: in a trap,
// nothing else counts.
var leaves = regexp.MustCompile(`exit|exec|kill|return|set|eval|\.|\$|\x{FFFC}`)

// trap may run anything in the end.
func (c *call) trap() result {
	if len(c.args()) == 0 {
		return result{status: passes, out: Unknown}
	}
	if slices.Contains(c.args()[1:], "ERR") && c.dialect == dash {
		c.cause(c.scene, "bash-only", c.at, "ERR is bash's, and the shell is dash here: bad trap")
		return failsWith("1")
	}
	onlySignals := true
	for _, s := range c.args()[min(1, len(c.args())):] {
		onlySignals = onlySignals && s != "EXIT" && s != "0" && s != "ERR" && isKnown(s)
	}
	if (!onlySignals || c.open) && leaves.MatchString(c.args()[0]) {
		c.exits = c.exits.or(result{status: either})
	}
	return result{status: either}
}
