package judge

import (
	"regexp"
	"strconv"
)

var (
	awkString = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	awkExit   = regexp.MustCompile(`\bexit\b[ \t]*([^;}\n]*)`)
	awkCode   = regexp.MustCompile(`^\(?\s*(\d+)\s*\)?\s*$`)
	// awkCertain matches an exit in a rule for the beginning or the end, whatever was read.
	awkCertain  = regexp.MustCompile(`\b(BEGIN|END)\s*\{([^{}]*[;\n])?\s*exit\b`)
	awkFirst    = regexp.MustCompile(`^\s*\{([^{}]*[;\n])?\s*exit\b`) // of a rule for any line
	awkLast     = regexp.MustCompile(`\bEND\s*\{[^{}]*\}`)
	conditional = regexp.MustCompile(`\b(if|else|while|for|do|next|getline|function)\b`)
)

// awk succeeds unless its program ends otherwise.
func (c *call) awk() result {
	o := syntaxOf{letters: "Fvf", long: " file field-separator assign "}.parse(c.args())
	if file, given := o.value("f", "file"); given {
		return result{status: c.reads(file).status | fails, out: Unknown}
	}
	operands := c.operands(o)
	if len(operands) == 0 || c.open || !isKnown(operands[0]) {
		return unclear
	}
	program := awkString.ReplaceAllString(operands[0], `""`)
	certain := awkCertain.MatchString(program) || len(operands) == 1 && c.in != "" && isKnown(c.in) && awkFirst.MatchString(program)
	if last := awkLast.FindString(program); awkCertain.MatchString(last) { // it has the last word
		program = last
	}
	zero, other := awkCodes(program)
	switch {
	case !other:
		return c.nominally(passes, Unknown)
	case !zero && certain && !conditional.MatchString(program):
		return result{status: fails, out: Unknown}
	}
	return unclear
}

// awkCodes reports whether a program exits with 0, and with something else.
func awkCodes(program string) (zero, other bool) {
	for _, exit := range awkExit.FindAllStringSubmatch(program, -1) {
		var code int
		m := awkCode.FindStringSubmatch(exit[1])
		if m != nil {
			code, _ = strconv.Atoi(m[1])
		}
		zero = zero || m == nil || code%256 == 0
		other = other || m == nil || code%256 != 0
	}
	return zero, other
}
