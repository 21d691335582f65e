// Package shellwords splits words as a POSIX shell does, expanding nothing.
package shellwords

import (
	"fmt"
	"strings"
	"unicode"
)

// Split splits s into words as a shell does, with its quotes and backslashes.
// Nothing is expanded.
func Split(s string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	in, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
			if r == '\n' { // the line goes on
				continue
			}
			if quote == '"' && !strings.ContainsRune("$`\"\\", r) {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			in = true
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case unicode.IsSpace(r):
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("%q has no closing %c", s, quote)
	case escaped:
		return nil, fmt.Errorf("%q ends with a backslash", s)
	case in:
		words = append(words, word.String())
	}
	return words, nil
}
