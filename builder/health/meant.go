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
	for _, m := range meant {
		if !isProbeTest(m) {
			return hint.With(err, "write http://:8080/healthz or tcp://:8080")
		}
	}
	return hint.With(err, "write "+strings.Join(meant, " or "))
}

// isAddress reports whether text that has no scheme is hardly meant as a shell command.
func isAddress(t string) bool { return meantBy(t) != nil }

// Forms of addresses without a scheme, or with a scheme that is not written as one.
var (
	autoAlone   = regexp.MustCompile(`^(?i)auto([:/]\S*)?$`)
	portAlone   = regexp.MustCompile(`^:?(\d+|\$\{?\w+\S*)$`)
	portAndKind = regexp.MustCompile(`^\d+/(tcp|http|grpc)$`) // as docker ps writes them
	portAndPath = regexp.MustCompile(`^\d+/\S*$`)
	hostAndPort = regexp.MustCompile(`^[\w.\[\]:-]*:(\d+|\$\{?\w+[^/\s]*)(/\S*)?$`)
	hostAndPath = regexp.MustCompile(`^(?i)(localhost|127\.0\.0\.1|0\.0\.0\.0)(/\S*)?$`)
	routeAlone  = regexp.MustCompile(`^/?((api|v\d+|-|_)/)*(healthz?|livez|readyz|ping|status|up)$`)
	brokenSep   = regexp.MustCompile(`^(?i)(https?|tcp|unix|http\+unix|grpcs?|file)(:/{0,2}|//?)([^/\s]\S*|/[^/\s]\S*)$`)
	upperScheme = regexp.MustCompile(`^[A-Za-z+]*[A-Z][A-Za-z+]*://\S*$`)
	quotedWord  = regexp.MustCompile(`^("[^"\s]+"|'[^'\s]+')$`)
)

// meantBy returns the targets that an address without a proper scheme can mean, with
// the user's own port and path, or nil if text is no such address.
func meantBy(t string) []string {
	switch {
	case quotedWord.MatchString(t) && isTarget(t[1:len(t)-1]):
		return []string{t[1 : len(t)-1]}
	case autoAlone.MatchString(t):
		return []string{mendTarget(DefaultTest + t[len(DefaultTest):])}
	case upperScheme.MatchString(t):
		scheme, rest, _ := strings.Cut(t, "://")
		return []string{mendTarget(strings.ToLower(scheme) + "://" + rest)}
	case routeAlone.MatchString(t):
		return []string{quote.JSON([]string{"-path", "/" + strings.TrimPrefix(t, "/"), DefaultTest})}
	case portAlone.MatchString(t):
		port := strings.TrimPrefix(t, ":")
		return []string{"http://:" + port + "/", "tcp://:" + port}
	case portAndKind.MatchString(t):
		port, scheme, _ := strings.Cut(t, "/")
		return []string{scheme + "://:" + port}
	case brokenSep.MatchString(t):
		parts := brokenSep.FindStringSubmatch(t)
		return []string{mendTarget(strings.ToLower(parts[1]) + "://" + parts[3])}
	case hostAndPort.MatchString(t), portAndPath.MatchString(t), hostAndPath.MatchString(t):
		return []string{mendTarget("http://" + t)}
	}
	return nil
}
