package why

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	statusPattern  = regexp.MustCompile(`(?i)(?:: |error: |error |HTTP/[\d.]+ |statuscode: |codes: \[|status )([1-5]\d\d)\b([^\n]*)`)
	pathPattern    = regexp.MustCompile(`https?://[^/\s"']+(/[^\s"':,]*)`)
	servingPattern = regexp.MustCompile(`(?i)NOT_SERVING|SERVICE_UNKNOWN|the health service does not know[^\n]*`)
)

// httpStatus returns the status that the newest failing check got, with what stands behind
// it, or 0.
func (c *Container) httpStatus() (status int, words string) {
	for _, run := range first(c.failures(), 1) {
		if m := statusPattern.FindStringSubmatch(run.Output); m != nil {
			status, _ = strconv.Atoi(m[1])
			return status, strings.Trim(strings.TrimSpace(m[2]), "]) ")
		}
	}
	return 0, ""
}

// path returns the path that the check asks for, or "".
func (c *Container) path() string {
	if m := c.checkSays(pathPattern); m != nil {
		return m[1]
	}
	if c.Check != nil {
		if m := pathPattern.FindStringSubmatch(strings.Join(c.Check.Test, " ")); m != nil {
			return m[1]
		}
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }

// clipped returns what an answer says beside its status, for the end of a verdict.
func clipped(words string, status int) string {
	words = strings.TrimSpace(strings.ReplaceAll(words, `"`+http.StatusText(status)+`"`, ""))
	words = strings.TrimLeft(strings.TrimPrefix(words, http.StatusText(status)), ".: ")
	if i := strings.LastIndex(words, " ("); i >= 0 {
		words = words[:i] // how long it took
	}
	if words == "" || strings.HasPrefix(words, "(") {
		return ""
	}
	return ": " + clip(words)
}
