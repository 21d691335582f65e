package health

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/quote"
)

// addressError returns the error of an address that is no target as it stands. Its hint
// is what was meant, if that is a check.
func addressError(s, t, why string) error {
	err := fmt.Errorf("parsing health check %q: %s", s, why)
	meant := meantBy(t)
	if _, invalid := ParseTest(meant[0]); invalid != nil {
		return hint.With(err, "write http://:8080/healthz or tcp://:8080")
	}
	return hint.With(err, "write "+strings.Join(meant, " or "))
}

// isAddress reports whether text that has no scheme is hardly meant as a shell command.
func isAddress(t string) bool { return meantBy(t) != nil }

// Forms of addresses without a scheme, or with a scheme that is not written as one.
var (
	autoAlone   = regexp.MustCompile(`^(?i)auto(:\S*)?$`)
	portAlone   = regexp.MustCompile(`^:?(\d+|\$\{?\w+\S*)$`)
	hostAndPort = regexp.MustCompile(`^[\w.\[\]:-]*:(\d+|\$\{?\w+[^/\s]*)(/\S*)?$`)
	routeAlone  = regexp.MustCompile(`^/?(healthz?|livez|readyz|ping|status|up)$`)
	brokenSep   = regexp.MustCompile(`^(?i)(https?|tcp|unix|http\+unix|grpcs?|file)(:/{0,2}|//?)([^/\s]\S*|/[^/\s]\S*)$`)
	upperScheme = regexp.MustCompile(`^[A-Za-z+]*[A-Z][A-Za-z+]*://\S+$`)
)

// meantBy returns the targets that an address without a proper scheme can mean, with
// the user's own host, port and path, or nil if text is no such address.
func meantBy(t string) []string {
	switch {
	case autoAlone.MatchString(t):
		return []string{DefaultTest + t[len(DefaultTest):]}
	case upperScheme.MatchString(t):
		scheme, rest, _ := strings.Cut(t, "://")
		return []string{strings.ToLower(scheme) + "://" + rest}
	case routeAlone.MatchString(t):
		return []string{quote.JSON([]string{"-path", "/" + strings.TrimPrefix(t, "/"), DefaultTest})}
	case portAlone.MatchString(t):
		port := strings.TrimPrefix(t, ":")
		return []string{"http://:" + port + "/", "tcp://:" + port}
	case brokenSep.MatchString(t):
		return []string{mendScheme(brokenSep.FindStringSubmatch(t))}
	case hostAndPort.MatchString(t):
		return []string{"http://" + t}
	}
	return nil
}

// mendScheme puts :// between a scheme and what follows: a path for sockets and files,
// else a port, to which its colon is added.
func mendScheme(parts []string) string {
	scheme, rest := strings.ToLower(parts[1]), parts[3]
	if strings.HasSuffix(scheme, "unix") || scheme == "file" {
		return scheme + ":///" + strings.TrimLeft(rest, "/")
	}
	rest = strings.TrimLeft(rest, "/")
	if port, _, _ := strings.Cut(rest, "/"); portAlone.MatchString(port) {
		rest = ":" + strings.TrimPrefix(rest, ":")
	}
	return scheme + "://" + rest
}
