package judge

import (
	"regexp"
	"strconv"
	"strings"
)

// sed prints what it reads, changed, and succeeds unless its program ends otherwise.
func (c *call) sed() result {
	o := syntaxOf{letters: "efl", long: " expression file line-length "}.parse(c.args())
	operands := c.operands(o)
	program, given := o.value("e", "expression")
	if !given && len(operands) > 0 {
		program, operands = operands[0], operands[1:]
	}
	if strings.ContainsAny(program, "qQ") || c.open || !isKnown(program) {
		return unclear
	}
	text, out := c.in, Unknown
	if len(operands) > 0 {
		text = c.readAll(operands)
	}
	s := sedScript{regexps: regexps{extended: o.has("E", "r", "regexp-extended")}, quiet: o.has("n", "quiet", "silent")}
	if !o.has("i", "in-place", "f", "file", "s", "z") && strings.Count(strings.Join(c.args(), " "), "-e ") < 2 && isKnown(text) && s.parse(program) {
		out = s.edit(text)
	}
	return c.nominally(passes, out)
}

// A sedScript is a program of sed's that is followed.
type sedScript struct {
	regexps
	quiet    bool
	commands []sedCommand
}

// A sedCommand is s, p or d, for the lines that an address selects.
type sedCommand struct {
	line      int // 0: not by number
	last      bool
	matches   *regexp.Regexp
	otherwise bool
	name      byte
	from      *regexp.Regexp
	to, flags string
}

var (
	sedSimple = regexp.MustCompile(`^(?:/([^/]*)/|(\d+)|(\$))?\s*(!)?\s*(?:([pd])|s([/|,#@:])(.*))$`)
	sedFlags  = regexp.MustCompile(`^[gp]*$`)
)

// parse reads a program; ok is false for one that is not followed.
func (s *sedScript) parse(program string) (ok bool) {
	for text := range strings.SplitSeq(program, ";") {
		m := sedSimple.FindStringSubmatch(strings.TrimSpace(text))
		if m == nil {
			return false
		}
		command := sedCommand{last: m[3] != "", otherwise: m[4] != "", name: 's'}
		command.line, _ = strconv.Atoi(m[2])
		if m[1] != "" {
			command.matches = s.compile(m[1])
		}
		if m[5] != "" {
			command.name = m[5][0]
		} else if parts := strings.Split(m[7], m[6]); len(parts) == 3 && !strings.ContainsAny(parts[1], `\&`) && sedFlags.MatchString(parts[2]) {
			command.from, command.to, command.flags = s.compile(parts[0]), parts[1], parts[2]
		}
		if m[1] != "" && command.matches == nil || command.name == 's' && command.from == nil {
			return false
		}
		s.commands = append(s.commands, command)
	}
	return true
}

// edit returns what is printed of a text.
func (s *sedScript) edit(text string) (out string) {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		return ""
	}
	for i, line := range lines {
		out = together(out, s.editLine(strings.TrimSuffix(line, "\n"), i+1, i == len(lines)-1))
	}
	return out
}

// editLine returns what is printed for a line.
func (s *sedScript) editLine(line string, number int, last bool) (out string) {
	for _, command := range s.commands {
		selected := (command.line == 0 || command.line == number) && (!command.last || last) && (command.matches == nil || command.matches.MatchString(line))
		switch {
		case selected == command.otherwise:
		case command.name == 'd':
			return out
		case command.name == 'p':
			out += line + "\n"
		default:
			changed, ok := command.substitute(line)
			if line = changed; ok && strings.Contains(command.flags, "p") {
				out += line + "\n"
			}
		}
	}
	if s.quiet {
		return out
	}
	return out + line + "\n"
}

func (c sedCommand) substitute(line string) (changed string, ok bool) {
	at := c.from.FindStringIndex(line)
	switch {
	case at == nil:
		return line, false
	case strings.Contains(c.flags, "g"):
		return c.from.ReplaceAllLiteralString(line, c.to), true
	}
	return line[:at[0]] + c.to + line[at[1]:], true
}
