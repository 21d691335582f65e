// Package shellwords splits words as a POSIX shell does, expanding nothing, and quotes them
// for one.
package shellwords

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"
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

// QuoteAll writes words so that a shell reads them.
func QuoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; plain.MatchString(w) {
			continue
		}
		q, err := syntax.Quote(w, syntax.LangBash)
		if err != nil { // a null byte
			q = fmt.Sprintf("%q", w)
		}
		quoted[i] = q
	}
	return strings.Join(quoted, " ")
}

// plain matches words that no shell changes.
var plain = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// Quote quotes a word for the shell.
func Quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
