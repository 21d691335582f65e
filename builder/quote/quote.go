// Package quote writes text so that another program reads it as one value: a word for a
// POSIX shell, or a value in JSON.
package quote

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"
)

// option matches options that no shell changes, with their values: the library quotes
// whatever holds an equals sign, as that may be an assignment.
var option = regexp.MustCompile(`^-[\w@%+=:,./-]+$`)

// Shell returns a word as a POSIX shell reads it, in quotes where it needs some.
func Shell(word string) string {
	if option.MatchString(word) {
		return word
	}
	quoted, err := syntax.Quote(word, syntax.LangPOSIX)
	if err != nil { // POSIX has no escapes for what cannot be printed
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return quoted
}

// ShellWords returns a command line of words.
func ShellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Shell(w)
	}
	return strings.Join(quoted, " ")
}

// JSON returns a value on one line of JSON that YAML reads as the same value. The
// characters <, > and & stay as they are. It panics if v cannot be encoded.
func JSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return escapeControls(strings.TrimSuffix(b.String(), "\n"))
}

// escapeControls writes escapes for characters that YAML does not take as they are.
//
// https://yaml.org/spec/1.2.2/#rule-c-printable
func escapeControls(text string) string {
	refused := func(r rune) bool { return r <= 0xffff && !unicode.IsPrint(r) }
	if !strings.ContainsFunc(text, refused) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if refused(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
