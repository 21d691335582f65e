package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// redact writes … for what is secret in a test. Tests are redacted as they are read, so
// that no message and no fix has a secret to quote, however it quotes. Variables that
// stand for secrets are kept.
func redact(test []string) []string {
	words := slices.Clone(test)
	sql, mongo, cli := slices.ContainsFunc(test, isMySQL), slices.ContainsFunc(test, isMongo), slices.ContainsFunc(test, isCLI)
	for i, word := range words {
		previous := ""
		if i > 0 {
			previous = strings.Trim(words[i-1], `[]"', `) // brackets may have been pasted
		}
		switch {
		case headerOption.MatchString(previous):
			words[i] = redactHeader(word)
		case userOption.MatchString(previous):
			words[i] = hideUser(word)
		case secretOption.MatchString(previous),
			cli && previous == "-a", mongo && previous == "-p":
			words[i] = hide(word)
		case joinedHeader.MatchString(word):
			words[i] = rewrite(joinedHeader, word, redactHeader)
		case joinedOption.MatchString(word):
			words[i] = rewrite(joinedOption, word, hide)
		case joinedUser.MatchString(word):
			words[i] = rewrite(joinedUser, word, hideUser)
		case sql && strings.HasPrefix(word, "-p") && len(word) > 2:
			words[i] = "-p" + hide(word[2:])
		default:
			words[i] = redactText(word)
		}
	}
	return words
}

func isMySQL(name string) bool {
	return strings.HasPrefix(path.Base(name), "mysql") || strings.HasPrefix(path.Base(name), "mariadb")
}

func isMongo(name string) bool { return strings.HasPrefix(path.Base(name), "mongo") }

// isCLI knows redis-cli, valkey-cli and the like.
func isCLI(name string) bool { return strings.HasSuffix(name, "-cli") }

// Options whose values are secret, of curl, wget, grpc_health_probe, kohealth's probe
// and the clients of databases. An option of one letter may have others before it, as
// in -fsSu.
const (
	secretNames = `--?(?:[a-z0-9]+-)*(?:user|password|passwd|pass|pwd|token|secret|api-?key|bearer|cookie)`
	userNames   = `-[a-zA-Z]*[uU]`
	headerNames = `(?:-[a-zA-Z]*H|--?(?:[a-z]+-)*header)`

	// wordSyntax is a word of a shell, which may itself stand in double quotes.
	wordSyntax = `((?:\\"[^"]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\;|&)\]])+)`
	before     = `((?:^|[\s"'(\[])`
	separator  = `(?:[\s=]+|["']\s*,\s*)` // or that of a pasted list
)

var (
	secretOption = regexp.MustCompile(`^` + secretNames + `$`)
	userOption   = regexp.MustCompile(`^` + userNames + `$`)
	headerOption = regexp.MustCompile(`^` + headerNames + `$`)
	joinedHeader = regexp.MustCompile(`(?s)^(--?(?:[a-z]+-)*header=|-[a-zA-Z]*H)([\w-]+:.*)$`)
	joinedOption = regexp.MustCompile(`(?s)^(` + secretNames + `=)(.+)$`)
	joinedUser   = regexp.MustCompile(`(?s)^(` + userNames + `=?)([^=:/\s]*:[^/].*)$`)
	userPassword = regexp.MustCompile(`^[\\"']*[^=:/\s]*:[^/]`)

	secretInText  = regexp.MustCompile(before + secretNames + separator + `)` + wordSyntax)
	userInText    = regexp.MustCompile(before + userNames + `(?:` + separator + `)?)` + wordSyntax)
	headerInText  = regexp.MustCompile(before + headerNames + `(?:` + separator + `)?)` + wordSyntax)
	programInText = regexp.MustCompile(`(\b(?:(?:mysql|mariadb)[\w-]*\b[^|;&]*?\s-p|[\w]+-cli\b[^|;&]*?\s-a\s+|mongo\w*\b[^|;&]*?\s-p\s+))` + wordSyntax)
	userInfo      = regexp.MustCompile(`(://)([^/?#@\s"']+@)`)
	assigned      = regexp.MustCompile(`(?i)((?:\b|_)(?:[\w-]*(?:pass|passwd|password|pwd|token|secret|api[_-]?key|access[_-]?key|credentials?|signature)|auth|sig|key|code)\\?["']?\s*[=:]\s*)` + `([^\s"'\\;|&)\]},#][^\s"'\\;|&)\]},#]*|\\"[^"]*\\"|"[^"]*"|'[^']*')`)
	bearer        = regexp.MustCompile(`(?i)(\b(?:authorization:\s*(?:[a-z]+\s+)?|bearer\s+|AUTH\s+))([^\s"'\\;|&]+)`)
)

// redactText redacts a shell command, or any other text.
func redactText(text string) string {
	for _, p := range []struct {
		*regexp.Regexp
		hide func(string) string
	}{
		{headerInText, redactHeader},
		{secretInText, hide},
		{userInText, hideUser},
		{programInText, hide},
		{userInfo, func(string) string { return hidden + "@" }},
		{assigned, hide},
		{bearer, hide},
	} {
		text = rewrite(p.Regexp, text, p.hide)
	}
	return text
}

// Redact writes … for what is secret in the options of a command, wherever it stands in
// text, such as that of curl -u or of the probe's -header.
func Redact(text string) string {
	text = rewrite(headerInText, text, redactHeader)
	text = rewrite(secretInText, text, hide)
	text = rewrite(userInText, text, hideUser)
	return rewrite(bearer, text, hide)
}

// rewrite replaces what a pattern's second group matches.
func rewrite(p *regexp.Regexp, text string, replace func(string) string) string {
	var b strings.Builder
	end := 0
	for _, m := range p.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[end:m[4]] + replace(text[m[4]:m[5]]))
		end = m[5]
	}
	return b.String() + text[end:]
}

const hidden = "…"

// isVariable matches a variable that stands for a secret, maybe after a user's name.
var isVariable = regexp.MustCompile(`^(?:[^\s:]*[:\s]\s*)?\$+(?:\w+|\{\w+\}|\(.*\)?)$`)

// hide keeps nothing of a value but its quotes.
func hide(value string) string {
	inner := strings.Trim(value, `\"',`)
	if inner == "" || isVariable.MatchString(inner) {
		return value
	}
	return strings.Replace(value, inner, hidden, 1)
}

// hideUser hides user:password; other programs' -u has other values. A variable that
// stands for the user is kept.
func hideUser(value string) string {
	user, password, _ := strings.Cut(value, ":")
	switch {
	case !userPassword.MatchString(value):
		return value
	case strings.HasPrefix(user, "$"):
		return user + ":" + hide(password)
	}
	return hide(value)
}

// openHeaders hold no secrets.
var openHeaders = regexp.MustCompile(`(?i)^(host|accept|accept-.*|connection|content-type|origin|range|user-agent|x-forwarded-(for|host|port|proto))$`)

// redactHeader hides the value of a header.
func redactHeader(header string) string {
	inner := strings.Trim(header, `\"',`)
	name, value, ok := strings.Cut(inner, ":")
	value = strings.TrimSpace(value)
	if !ok || openHeaders.MatchString(name) || strings.HasPrefix(value, "//") || value == "" || isVariable.MatchString(value) {
		return header
	}
	return strings.Replace(header, inner, name+": "+hidden, 1)
}
