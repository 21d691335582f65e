package render

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// workflowCommand is what the runner of GitHub workflows takes for the beginning of a
// command wherever it stands in a log.
//
// https://github.com/actions/runner/blob/v2.330.0/src/Runner.Common/ActionCommand.cs
const workflowCommand = "##["

// escape writes s with the named characters replaced, and every character that
// cannot be printed, or would begin a command to the reader of a log, as other says.
func escape(s string, named map[rune]string, other func(rune) string) string {
	var b strings.Builder
	for i, r := range s {
		if e, ok := named[r]; ok {
			b.WriteString(e)
		} else if !unicode.IsPrint(r) || strings.HasPrefix(s[i:], workflowCommand) {
			b.WriteString(other(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isPrintable reports whether s can be written as it is, on one line.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) && !strings.Contains(s, workflowCommand)
}

// jsonString returns s in JSON, in printable characters only.
func jsonString(s string) string {
	return `"` + escape(s, map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`}, func(r rune) string {
		if hi, lo := utf16.EncodeRune(r); hi != unicode.ReplacementChar {
			return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}) + `"`
}

func jsonList(list []string, separator string) string { return quotedList(list, jsonString, separator) }

func quotedList(list []string, quote func(string) string, separator string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, separator) + "]"
}

// hclString returns s as a string of HCL, in which ${ and %{ begin an expression.
//
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-literals
func hclString(s string) string {
	s = escape(s, map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`}, func(r rune) string {
		if r > 0xffff {
			return fmt.Sprintf(`\U%08x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
	return `"` + strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s) + `"`
}

// checkHCL refuses what HCL changes: it composes characters (NFC).
func checkHCL(words []string) error {
	for _, s := range words {
		if !norm.NFC.IsNormalString(s) {
			return fmt.Errorf("HCL would compose characters of %q: write them composed (Unicode NFC)", s)
		}
	}
	return nil
}

// tsString returns s as a string of TypeScript.
func tsString(s string) string {
	return "'" + escape(s, map[rune]string{'\'': `\'`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`}, func(r rune) string {
		return fmt.Sprintf(`\u{%x}`, r)
	}) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes s for a POSIX shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.NewReplacer("'", `'\''`, workflowCommand, "#''#[").Replace(s) + "'"
}

// isJSONList reports whether s is a list of strings in JSON.
func isJSONList(s string) bool {
	var list []string
	return json.Unmarshal([]byte(s), &list) == nil && len(list) > 0
}
