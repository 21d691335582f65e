package lint

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// hide returns a text that is to be printed without what is secret in the container's
// checks, however the text quotes it. Checks are judged as they are: to hide is the last
// that is done.
func (c *container) hide(text string) string {
	if text == "" {
		return ""
	}
	text = c.Said.named(text)
	if c.hider == nil {
		c.hider = newHider(c.tests())
	}
	return c.hider(text)
}

// tests returns all tests that what is printed of a container may quote.
func (c *container) tests() (tests [][]string) {
	for i, check := range []*check{c.Check, c.Said} {
		if check == nil || i > 0 && check == c.Check {
			continue
		}
		words, written := make([]string, len(check.Test)), make([]string, len(check.Test))
		for i, a := range check.Test {
			words[i], written[i] = a.Text, a.Text
			for j, p := range a.Parts {
				if j == 0 {
					written[i] = ""
				}
				written[i] += p.Written
			}
		}
		tests = append(tests, words)
		if !slices.Equal(words, written) {
			tests = append(tests, written)
		}
	}
	if c.Image != nil && c.Image.Check != nil {
		tests = append(tests, c.Image.Check.Test)
	}
	return tests
}

// newHider returns what hides the secrets of tests.
func newHider(tests [][]string) func(string) string {
	var pairs [][2]string
	add := func(old, new string) {
		for _, form := range []func(string) string{
			func(s string) string { return s },
			func(s string) string { return strings.ReplaceAll(s, `\`, "") },
			func(s string) string { return strings.ReplaceAll(s, "$", "$$") },
		} {
			from, to := form(old), form(new)
			pairs = append(pairs, [2]string{from, to}, [2]string{inJSON(from), inJSON(to)}, [2]string{inJSON(inJSON(from)), inJSON(inJSON(to))})
		}
	}
	for _, test := range tests {
		for i, word := range redact(test) {
			if word == test[i] {
				continue
			}
			add(test[i], word)
			for _, secret := range hiddenIn(test[i], word) {
				if len(secret) >= leastSecret {
					add(secret, hidden)
				}
			}
		}
	}
	if len(pairs) == 0 {
		return func(text string) string { return text }
	}
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
	var all []string
	for _, p := range pairs {
		if p[0] != "" {
			all = append(all, p[0], p[1])
		}
	}
	replacer := strings.NewReplacer(all...)
	return func(text string) string { return redactText(replacer.Replace(text)) }
}

// leastSecret is how long a secret has to be that is hidden wherever it stands. Shorter
// ones are hidden where they are seen to be secrets.
const leastSecret = 4

// inJSON returns a text as it stands in a string of JSON's.
func inJSON(s string) string {
	quoted := encode(s)
	return quoted[1 : len(quoted)-1]
}

// hiddenIn returns the parts of a text in whose place its redacted form has [hidden].
func hiddenIn(text, redacted string) (secrets []string) {
	parts := strings.Split(redacted, hidden)
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1:] {
		end := strings.Index(rest, part)
		if part == "" {
			end = len(rest)
		}
		if !ok || end < 0 {
			return secrets
		}
		secrets = append(secrets, rest[:end])
		rest = rest[end+len(part):]
	}
	return secrets
}

// redact writes … for what is secret in a test. Variables that stand for secrets are kept.
func redact(test []string) []string {
	if !mayHoldSecret(strings.Join(test, " ")) {
		return test
	}
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
	expansion    = regexp.MustCompile(`\$\{\w+:[-+?=][^{}]*\}`)
	userPassword = regexp.MustCompile(`^[\\"']*[^=:/\s]*:[^/]`)

	secretInText  = regexp.MustCompile(before + secretNames + separator + `)` + wordSyntax)
	userInText    = regexp.MustCompile(before + userNames + `(?:` + separator + `)?)` + wordSyntax)
	headerInText  = regexp.MustCompile(before + headerNames + `(?:` + separator + `)?)` + wordSyntax)
	programInText = regexp.MustCompile(`(\b(?:(?:mysql|mariadb)[\w-]*\b[^|;&]*?\s-p|[\w]+-cli\b[^|;&]*?\s-a\s+|mongo\w*\b[^|;&]*?\s-p\s+))` + wordSyntax)
	userInfo      = regexp.MustCompile(`(://)([^/?#@\s"']+@)`)
	assigned      = regexp.MustCompile(`(?i)((?:\b|_)(?:[\w-]*(?:pass|passwd|password|pwd|token|secret|api[_-]?key|access[_-]?key|credentials?|signature)|auth|sig|key|code)\\?["']?\s*[=:]\s*)` + `([^\s"'\\;|&)\]},#][^\s"'\\;|&)\]},#]*|\\"[^"]*\\"|"[^"]*"|'[^']*')`)
	bearer        = regexp.MustCompile(`(?i)(\b(?:authorization:\s*(?:[a-z]+\s+)?|bearer\s+|AUTH\s+))([^\s"'\\;|&]+)`)
)

// secretWords are in all that redactText finds by a name.
const secretWords = "user pass pwd token secret key bearer cookie header auth sig code credential @"

// mayHoldSecret reports whether there is anything in a text that redactText looks for. It
// takes a small part of the time.
func mayHoldSecret(text string) bool {
	lower := strings.ToLower(text)
	for word := range strings.FieldsSeq(secretWords) {
		if strings.Contains(lower, word) {
			return true
		}
	}
	options := false // the text goes through the letters of short options
	for i := range len(text) {
		isLetter := text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z'
		switch {
		case options && strings.IndexByte("uUHpa", text[i]) >= 0:
			return true
		case text[i] == '-':
			options = i == 0 || text[i-1] != '-'
		case !isLetter:
			options = false
		}
	}
	return false
}

// redactText redacts a shell command, or any other text.
func redactText(text string) string {
	if !mayHoldSecret(text) {
		return text
	}
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
	case !userPassword.MatchString(expansion.ReplaceAllString(value, "")): // ${USER:-name} has no password
		return value
	case strings.HasPrefix(user, "$"):
		return user + ":" + hide(password)
	}
	return hide(value)
}

// openHeaders hold no secrets, and neither do openValues, whatever the header.
var (
	openHeaders = regexp.MustCompile(`(?i)^(host|accept|accept-.*|cache-control|connection|content-type|expect|origin|pragma|range|referer|te|upgrade|user-agent|` +
		`sec-websocket-(version|protocol)|x-forwarded-\w+|x-real-ip|x-requested-with|x-request-id|x-(health|healthcheck|health-check|health-probe|check|probe|monitor))$`)
	openValues = regexp.MustCompile(`(?i)^(\d{1,3}|true|false|yes|no|on|off)$`)
)

// redactHeader hides the value of a header.
func redactHeader(header string) string {
	inner := strings.Trim(header, `\"',`)
	name, value, ok := strings.Cut(inner, ":")
	value = strings.TrimSpace(value)
	if !ok || openHeaders.MatchString(name) || strings.HasPrefix(value, "//") || value == "" || openValues.MatchString(value) || isVariable.MatchString(value) {
		return header
	}
	return strings.Replace(header, inner, name+": "+hidden, 1)
}
