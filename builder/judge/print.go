package judge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// echo prints its arguments. dash heeds escapes, and the others do with -e.
func (c *call) echo() result {
	args, end, escapes := c.args(), "\n", c.dialect == dash
	for len(args) > 0 && echoOption.MatchString(args[0]) && (c.dialect != dash || args[0] == "-n" && end != "") {
		if strings.Contains(args[0], "n") {
			end = ""
		}
		for _, letter := range args[0] {
			escapes = letter == 'e' || escapes && letter != 'E'
		}
		args = args[1:]
	}
	out := strings.Join(args, " ") + end
	if c.open || c.dialect == anyShell && (len(args) < len(c.args()) && c.args()[0] != "-n" || strings.Contains(out, `\`)) {
		return result{status: passes, out: Unknown}
	}
	if escapes && strings.Contains(out, `\`) {
		out = unescaped(out)
	}
	return result{status: passes, out: out}
}

var echoOption = regexp.MustCompile(`^-[neE]+$`)

// escape matches what stands for another character, or may.
var escape = regexp.MustCompile(`(?s)\\.`)

var escapes = map[string]string{`\n`: "\n", `\t`: "\t", `\r`: "\r", `\\`: `\`, `\a`: "\a", `\b`: "\b", `\f`: "\f", `\v`: "\v"}

// unescaped returns a text with the escapes that all shells have, or [Unknown].
func unescaped(text string) string {
	if !isKnown(text) {
		return Unknown
	}
	others := false
	out := escape.ReplaceAllStringFunc(text, func(e string) string {
		if escapes[e] == "" {
			others = true
		}
		return escapes[e]
	})
	if others {
		return Unknown
	}
	return out
}

// printf prints by a format, again and again while there are arguments.
func (c *call) printf() result {
	args := c.args()
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	switch {
	case c.open:
		return unclear
	case len(args) == 0:
		return failsWith("2")
	case args[0] == "-v" && len(args) > 1 && c.dialect != dash && c.dialect != ash:
		c.vars[args[1]] = Unknown
		return unclear
	case strings.HasPrefix(args[0], "-") || !isKnown(args[0]):
		return unclear
	}
	f := formatter{rest: args[1:], result: succeeds}
	for more := true; more && len(f.out) < maxText; {
		before := len(f.rest)
		f.format(args[0])
		more = len(f.rest) > 0 && len(f.rest) < before
	}
	return f.result
}

// A formatter prints with the arguments that are left.
type formatter struct {
	rest []string
	result
}

// directive matches the directives of printf's, and a % that is none.
var directive = regexp.MustCompile(`%(%|([-+ #0]*)(\d*)(\.\d+)?(.?))|[^%]+`)

func (f *formatter) format(format string) {
	for _, m := range directive.FindAllStringSubmatch(format, -1) {
		switch {
		case !strings.HasPrefix(m[0], "%"):
			f.out = together(f.out, unescaped(m[0]))
		case m[0] == "%%":
			f.out += "%"
		case m[5] == "": // it ends with %
			f.result = result{status: fails, out: Unknown}
			return
		default:
			f.print(m[0][:len(m[0])-len(m[5])], m[5], m[2])
		}
	}
}

// print prints one argument.
func (f *formatter) print(verb, letter, flags string) {
	arg, given := "", len(f.rest) > 0
	if given {
		arg, f.rest = f.rest[0], f.rest[1:]
	}
	switch {
	case letter == "s" && verb == "%":
		f.out = together(f.out, arg)
	case letter == "s" && isKnown(arg) && !strings.Contains(flags, "0"):
		f.out = together(f.out, fmt.Sprintf(verb+"s", arg))
	case (letter == "d" || letter == "i") && !given:
		f.out = together(f.out, fmt.Sprintf(verb+"d", 0))
	case (letter == "d" || letter == "i") && arg != "" && isKnown(arg) && !strings.ContainsAny(arg[:1], `'"`):
		f.integer(verb, arg)
	default:
		f.result = f.result.or(unclear)
	}
}

// integer prints a number, or fails.
func (f *formatter) integer(verb, arg string) {
	n, err := strconv.ParseInt(arg, 0, 64)
	switch {
	case err == nil && plainNumber.MatchString(arg):
		f.out = together(f.out, fmt.Sprintf(verb+"d", n))
	case !maybeNumber.MatchString(arg):
		f.result = result{status: fails, code: "1", out: Unknown}
	default:
		f.result = f.result.or(unclear)
	}
}

var (
	plainNumber = regexp.MustCompile(`^-?(0|[1-9]\d*|0x[\da-f]+)$`)
	maybeNumber = regexp.MustCompile(`^\s*[-+]?(0[xX][\da-fA-F]*|\d*)$`)
)
