// Package escape makes foreign words fit to be shown: what an image, a file or a server
// says may neither steer a terminal, nor reorder or end the line in which it stands, nor
// be a command to the CI that reads the log.
//
// Printable is what [strconv.IsPrint] calls so. Every other character, and every byte
// that is no UTF-8, stands as a Go string has it: \n, \x1b, \u202e.
package escape

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s for a place within a line.
func Line(s string) string { return replace(s, quoted) }

// Lines returns text whose line ends and tabs are its own. No line of it begins with the
// two colons of a GitHub workflow command.
//
// https://github.com/actions/runner/blob/v2.330.0/src/Runner.Common/ActionCommand.cs
func Lines(text string) string {
	text = replace(text, func(s string) string {
		if s == "\n" || s == "\t" {
			return s
		}
		return quoted(s)
	})
	if !strings.Contains(text, "::") {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if rest := strings.TrimLeft(line, " \t"); strings.HasPrefix(rest, "::") {
			lines[i] = line[:len(line)-len(rest)] + `\x3a` + rest[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// JSON returns JSON that means the same in printable characters.
func JSON(data []byte) []byte {
	return []byte(replace(string(data), func(s string) string {
		r, size := utf8.DecodeRuneInString(s)
		hi, lo := utf16.EncodeRune(r)
		switch {
		case r < ' ': // white space between values
			return s
		case r == utf8.RuneError && size == 1:
			return string(utf8.RuneError) // what readers of JSON make of it
		case hi != utf8.RuneError:
			return unit(hi) + unit(lo)
		}
		return unit(r)
	}, unit('#')))
}

func unit(r rune) string {
	const digits = 4
	hex := strconv.FormatInt(int64(r), 16)
	return `\u` + strings.Repeat("0", digits-len(hex)) + hex
}

// quoted returns a character as a Go string has it.
func quoted(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

// replace replaces what cannot be printed as other says, and the first character of what
// the runner of GitHub workflows takes for a command wherever it stands, as number sign
// says (default \x23).
func replace(s string, other func(string) string, numberSign ...string) string {
	var b strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case strings.HasPrefix(s, "##["):
			b.WriteString(append(numberSign, `\x23`)[0])
		case strconv.IsPrint(r) && (r != utf8.RuneError || size > 1):
			b.WriteString(s[:size])
		default:
			b.WriteString(other(s[:size]))
		}
		s = s[size:]
	}
	return b.String()
}
