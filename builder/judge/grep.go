package judge

import (
	"regexp"
	"slices"
	"strings"
)

// plainPattern matches patterns that stand for themselves.
var plainPattern = regexp.MustCompile(`^[\w /:"{}=,%@<>;-]+$`)

// grep finds nothing where there is nothing.
func (c *call) grep() result {
	o := syntaxOf{letters: "efmABCdD", long: " regexp file max-count after-context before-context context include exclude "}.parse(c.args())
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
		if found := grepped(c.in, operands[0], o); found != perhaps {
			r.status = statusOf(found == yes)
		}
	}
	return r
}

// grepFile looks into a file, which is hardly another than in the image where images have
// their files.
func (c *call) grepFile(pattern, name string, o options, out string) result {
	if r := c.reads(name); r.status == fails {
		return r
	}
	full := c.absolute(name)
	if _, ok := c.lookup(full); ok && isKnown(full) && withinAny(full, slices.Concat(programDirs, imageDirs)) && c.container.mountOver(full) == "" && !c.container.isAdded(full) &&
		!slices.Contains(madeByRuntimes, full) && grepped(c.readFile(full), pattern, o) == no {
		c.cause(c.scene, "no-file", c.at, name+", as it is in the image, holds nothing that grep looks for")
	}
	return result{status: either, out: out}
}

// grepped reports whether grep selects a line.
func grepped(text, pattern string, o options) maybe {
	if !isKnown(pattern) || !plainPattern.MatchString(pattern) || o.has("w", "P", "z", "L", "files-without-match") {
		return perhaps
	}
	if o.has("i", "ignore-case") {
		text, pattern = strings.ToLower(text), strings.ToLower(pattern)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		found := strings.Contains(line, pattern)
		if o.has("x", "line-regexp") {
			found = line == pattern
		}
		if found != o.has("v", "invert-match") {
			return yes
		}
	}
	return no
}
