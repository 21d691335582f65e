package judge

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Options of grep's that take a value.
var grepSyntax = syntaxOf{letters: "efmABCdD", long: " regexp file max-count after-context before-context context include exclude "}

// grep finds nothing where there is nothing.
func (c *call) grep() result {
	o := grepSyntax.parse(c.args())
	operands := c.operands(o)
	patternFrom := o.has("e", "f", "regexp", "file")
	if c.open || o.has("V", "version", "help") {
		return unclear
	}
	if len(operands) == 0 && !patternFrom {
		return failsWith("2")
	}
	out := Unknown
	if o.has("q", "quiet", "silent") {
		out = ""
	}
	if patternFrom || len(operands) > 2 || o.has("r", "R", "recursive") {
		if len(operands) == 0 && c.in == "" && !o.has("r", "R", "recursive") {
			return failsWith("1")
		}
		return result{status: either, out: out}
	}
	if len(operands) == 2 {
		return c.grepFile(operands[0], operands[1], o, out)
	}
	r := result{status: either, out: out}
	switch {
	case o.has("L", "files-without-match"), o.has("c", "count") && c.in != "":
	case c.in == "":
		r = result{status: fails, code: "1", out: map[bool]string{true: Unknown}[o.has("c", "count")]}
	case isKnown(c.in):
		if found := c.grepped(c.in, operands[0], o); found != perhaps {
			r.status = statusOf(found == yes)
		}
	}
	return r
}

// grepFile looks into a file, which is hardly another than in the image where images have
// their files.
func (c *call) grepFile(pattern, name string, o options, out string) result {
	r := c.reads(name)
	if r.status == fails {
		return r
	}
	full := c.absolute(name)
	text, ok := c.imageText(full)
	found := perhaps
	if ok && !slices.Contains(madeByRuntimes, full) {
		found = c.grepped(text, pattern, o)
	}
	switch {
	case found == no:
		c.cause(c.scene, "no-file", c.at, name+", as it is in the image, holds nothing that grep looks for")
	case found == perhaps:
		return result{status: either, out: out}
	}
	if c.expected {
		return result{status: statusOf(found == yes), out: out}
	}
	return result{status: either, out: out}
}

// allProcesses matches the arguments of ps that have it tell of all processes.
var allProcesses = regexp.MustCompile(`^-?[auxewfAl]+$`)

// findsItself tells of a grep in what ps prints: there is the shell, too, with its script.
func (sh *shell) findsItself(b *syntax.BinaryCmd, ctx scene) {
	ps, isCall := b.X.Cmd.(*syntax.CallExpr)
	grep, areCalls := b.Y.Cmd.(*syntax.CallExpr)
	if !isCall || !areCalls || ctx.read || len(ps.Args) < 2 || ps.Args[0].Lit() != "ps" || len(grep.Args) < 2 || grep.Args[0].Lit() != "grep" {
		return
	}
	for _, a := range ps.Args[1:] {
		if !allProcesses.MatchString(a.Lit()) {
			return
		}
	}
	words, open := sh.fields(grep.Args, ctx)
	c := &call{shell: sh, scene: ctx, words: words, open: open, at: sh.script.offset(grep)}
	o := grepSyntax.parse(c.args())
	if operands := c.operands(o); len(operands) == 1 && !open && !o.has("v", "x", "e", "invert-match", "line-regexp", "regexp") {
		c.findsShell(operands[0], o)
	}
}

// findsShell tells of a pattern that the shell's own arguments match.
func (c *call) findsShell(pattern string, o options) {
	if c.isExec || c.fixed || c.arg >= len(c.check.Test) || c.grepped(c.check.Test[c.arg], pattern, o) != yes {
		return
	}
	c.tell("always-healthy", c.at, c.name()+" finds the shell that runs this command, whose arguments hold "+shown(pattern)+", too: write its first letter as ["+pattern[:1]+"]", nil)
}

// grepped reports whether grep selects a line.
func (c *call) grepped(text, pattern string, o options) maybe {
	p := regexps{extended: baseName(c.name()) == "egrep" || o.has("E", "extended-regexp"), fold: o.has("i", "y", "ignore-case")}
	p.fixed = baseName(c.name()) == "fgrep" || o.has("F", "fixed-strings")
	expr := p.compile(pattern)
	if expr == nil || o.has("w", "P", "z", "L", "word-regexp", "perl-regexp", "null-data", "files-without-match") {
		return perhaps
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		found := expr.MatchString(line)
		if o.has("x", "line-regexp") {
			found = expr.FindString(line) == line && found
		}
		if found != o.has("v", "invert-match") {
			return yes
		}
	}
	return no
}
