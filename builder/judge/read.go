package judge

import (
	"slices"
	"strings"
)

// readLine is read, once what it reads into is not known.
func (c *call) readLine() result {
	names := c.args()
	raw := len(names) > 0 && names[0] == "-r"
	if raw {
		names = names[1:]
	}
	switch {
	case c.in == "" && !c.open:
		return failsWith("1")
	case c.open || !isKnown(c.in) || !c.fresh || c.inLoop || len(names) == 0 || c.value("IFS") != Unknown,
		slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "-") || !isKnown(name) }):
		return result{status: either}
	}
	line, _, ended := strings.Cut(c.in, "\n")
	if !raw && strings.Contains(line, `\`) {
		return result{status: either}
	}
	for i, name := range names {
		line = strings.TrimLeft(line, " \t")
		word, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if i == len(names)-1 {
			word = strings.TrimRight(line, " \t")
		}
		c.vars[name], line = word, rest
	}
	if !ended {
		return failsWith("1")
	}
	return succeeds
}
