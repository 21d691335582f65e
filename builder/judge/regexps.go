package judge

import (
	"regexp"
	"strings"
)

// regexps says how grep, sed and bash read patterns: basic regular expressions of POSIX's,
// unless they are told otherwise.
type regexps struct{ extended, fixed, fold bool }

var (
	// bracket matches a bracket expression.
	bracket = regexp.MustCompile(`\[\^?\]?(\[:[a-z]+:\]|[^\]])*\]`)
	// literally are characters that mean something only to extended expressions.
	literally = strings.NewReplacer(`+`, `\+`, `?`, `\?`, `{`, `\{`, `}`, `\}`, `(`, `\(`, `)`, `\)`, `|`, `\|`)
	// interval matches how often something is repeated, in an extended expression.
	interval = regexp.MustCompile(`\{\d{1,2}(,\d{0,2})?\}`)
	// escaped and escapedToo match characters that stand for themselves, in basic and in
	// extended expressions.
	escaped    = regexp.MustCompile(`\\[.*^$\[\]\\]`)
	escapedToo = regexp.MustCompile(`\\[.*^$\[\]\\+?(){}|]`)
	// odd matches what programs read in several ways.
	odd = regexp.MustCompile("[\\\\\n\\[]|^\\^?\\*|.\\^|\\$.|" + Unknown)
	// odder is odd for extended expressions.
	odder = regexp.MustCompile("[\\\\\n\\[{]|^\\^?[*+?|]|\\([*+?|)]|[*+?|][*+?|]|[*+?]\\?|\\^[*+?]|" + Unknown)
)

// compile returns the expression of a pattern, or nil for one that is not followed.
func (r regexps) compile(pattern string) *regexp.Regexp {
	prefix := map[bool]string{true: "(?is)", false: "(?s)"}[r.fold]
	switch plain := r.plain(pattern); {
	case pattern == "" || !isKnown(pattern):
		return nil
	case r.fixed && !strings.Contains(pattern, "\n"):
		return regexp.MustCompile(prefix + regexp.QuoteMeta(pattern))
	case r.fixed, r.extended && odder.MatchString(plain), !r.extended && odd.MatchString(plain), strings.Contains(pattern, "\n"):
		return nil
	}
	if !r.extended {
		pattern = outsideBrackets(pattern, literally.Replace)
	}
	expr, err := regexp.Compile(prefix + pattern)
	if err != nil {
		return nil
	}
	expr.Longest()
	return expr
}

// plain returns a pattern for odd: what there is only one way to read is left out. A
// backslash in a bracket expression stays, for Go reads that otherwise.
func (r regexps) plain(pattern string) string {
	pattern = bracket.ReplaceAllStringFunc(pattern, func(b string) string {
		if strings.Contains(b, `\`) {
			return `\`
		}
		return "x"
	})
	if !r.extended {
		return escaped.ReplaceAllString(pattern, "x")
	}
	return interval.ReplaceAllString(escapedToo.ReplaceAllString(pattern, "x"), "+")
}

// outsideBrackets changes what is in no bracket expression.
func outsideBrackets(pattern string, change func(string) string) (changed string) {
	at := 0
	for _, b := range bracket.FindAllStringIndex(pattern, -1) {
		changed += change(pattern[at:b[0]]) + pattern[b[0]:b[1]]
		at = b[1]
	}
	return changed + change(pattern[at:])
}
