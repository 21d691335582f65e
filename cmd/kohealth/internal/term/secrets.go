package term

import (
	"os"
	"regexp"
	"strings"

	"github.com/ko-health/kohealth/builder/lint"
)

// hidden stands for a secret.
const hidden = "…"

// Hide returns text without the users and passwords of the URLs, and of the references
// to images, that are in it, without the values in queries whose names say that they are
// secret, and without the secrets in commands that check. They come from the environment,
// from flags and files, and by way of errors of others, who quote what they could not
// use.
func Hide(text string) string {
	for _, name := range []string{"KO_DOCKER_REPO", "KO_DEFAULTBASEIMAGE", "DOCKER_HOST"} {
		text = hideOf(os.Getenv(name), text)
	}
	text = secretQuery.ReplaceAllString(text, "${1}"+hidden)
	text = url.ReplaceAllStringFunc(text, func(s string) string {
		scheme, rest, _ := strings.Cut(s, "://")
		return scheme + "://" + hideUser(rest)
	})
	text = reference.ReplaceAllStringFunc(text, func(s string) string {
		if strings.Contains(s, "://") {
			return s
		}
		rest := strings.TrimLeft(s, "/")
		return s[:len(s)-len(rest)] + hideUser(rest)
	})
	return lint.Redact(text)
}

// hideOf hides the user and the password in a value, or as much of their end as stands
// before its host: others split a reference at its first slash.
func hideOf(value, text string) string {
	at := lastAt(value)
	if at < 0 {
		return text
	}
	host, _, _ := strings.Cut(value[at:], "/")
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, host)
		if !ok {
			return b.String() + text
		}
		kept := before
		for n := at; kept != "" && n > 0 && kept[len(kept)-1] == value[n-1] && !strings.HasSuffix(kept, "://"); n-- {
			kept = kept[:len(kept)-1]
		}
		if len(kept) < len(before) {
			kept += hidden
		}
		b.WriteString(kept + host)
		text = after
	}
}

// char is what a URL or a reference may consist of where it stands in a message, maybe
// in quotes.
const char = `(?:\\.|[^\s"'<>\x60\\])`

var (
	url         = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://` + char + `*@` + char + `+`)
	reference   = regexp.MustCompile(char + `+:` + char + `+@` + char + `+`)
	secretQuery = regexp.MustCompile(`(?i)([?&;][\w.-]*(?:token|secret|passw|pwd|signature|credential|sig|key|auth|code)[\w.-]*=)[^\s"'&;<>\x60\\$][^\s"'&;<>\x60\\]*`)
)

// hideUser hides what is before the @ that ends a user and a password, if there is one.
// A password may hold anything, while paths of files and of Go's modules hold @ as well,
// and so do references before a digest. So a colon tells a password, unless it is a
// port's.
func hideUser(s string) string {
	authority := s
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		authority = s[:i]
	}
	user, password, _ := strings.Cut(authority, ":")
	end := lastAt(authority)
	if end < 0 && user != "" && password != "" && strings.Trim(password, "0123456789") != "" {
		end = lastAt(s)
	}
	if end < 0 {
		return s
	}
	return hidden + s[end:]
}

// lastAt returns where the last @ is that does not begin a digest, or -1.
func lastAt(s string) int {
	i := strings.LastIndexByte(s, '@')
	if i >= 0 && digest.MatchString(s[i:]) {
		return lastAt(s[:i])
	}
	return i
}

var digest = regexp.MustCompile(`^@(sha\d|$)`)
