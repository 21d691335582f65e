package health

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/health/probeargs"
	"github.com/ko-health/kohealth/builder/quote"
)

// schemes are those of the probe's targets, but for auto.
var schemes = []string{"http", "https", "tcp", "unix", "http+unix", "grpc", "grpcs", "file"}

// otherSchemes are what people take for schemes of the probe's.
var otherSchemes = map[string]string{"ws": "http", "wss": "https", "h2c": "http", "http2": "http", "socket": "unix", "unix+http": "http+unix"}

// mendArgs returns arguments of the probe with their targets mended, as a test, or "" if
// the probe would not take that either.
func mendArgs(args []string) string {
	mended := slices.Clone(args)
	for i, arg := range args {
		if isTarget(arg) {
			mended[i] = mendTarget(arg)
		}
	}
	text := mended[0]
	if len(mended) > 1 {
		text = quote.JSON(mended)
	}
	if slices.Equal(args, mended) || !isProbeTest(text) {
		return ""
	}
	return text
}

// isProbeTest reports whether a text is a target of the probe, or a list of its arguments.
func isProbeTest(text string) bool {
	args := []string{text}
	if strings.HasPrefix(text, "[") {
		args = parseList(text)
	}
	_, err := probeargs.Parse(args, anyValue)
	return err == nil
}

// portsAndPath matches what follows auto where a path was written, too.
var portsAndPath = regexp.MustCompile(`^auto(:[^/]*)?(/\S+)$`)

// mendTarget returns what a target was probably meant to be, with the ports and paths that
// are in it. It may still be none.
func mendTarget(t string) string {
	if t == DefaultTest+":" {
		return DefaultTest
	}
	if parts := portsAndPath.FindStringSubmatch(t); parts != nil {
		return quote.JSON([]string{"-path", parts[2], DefaultTest + strings.TrimSuffix(parts[1], ":")})
	}
	scheme, rest, ok := strings.Cut(t, "://")
	if !ok {
		return t
	}
	rest, _, _ = strings.Cut(mendVariables(rest), " ") // what a shell was to do besides
	switch scheme = mendScheme(strings.ToLower(scheme)); scheme {
	case "unix", "http+unix", "file":
		return mendPath(scheme, rest)
	}
	return scheme + "://" + mendAuthority(rest)
}

func mendScheme(scheme string) string {
	if slices.Contains(schemes, scheme) {
		return scheme
	}
	if known, ok := otherSchemes[scheme]; ok {
		return known
	}
	if near := Nearest(scheme, schemes); near != "" {
		return near
	}
	return scheme
}

// mendPath returns a target with an absolute path, or the name of an abstract socket.
func mendPath(scheme, path string) string {
	if strings.HasPrefix(path, "@") {
		return scheme + "://" + path
	}
	if decoded, err := url.PathUnescape(path); err == nil && scheme == "http+unix" {
		path = decoded
	}
	if scheme == "unix" && strings.Contains(path, ":/") {
		scheme = "http+unix"
	}
	return scheme + ":///" + strings.TrimLeft(path, "/")
}

// Variables as others than the probe write them.
var (
	windowsVariable = regexp.MustCompile(`%([A-Za-z_]\w*)%`)
	makeVariable    = regexp.MustCompile(`\$\((\w+)\)`)
	template        = regexp.MustCompile(`(^|[^$\w])\{\{?\s*(\w+)\s*\}?\}`)
	otherDefault    = regexp.MustCompile(`\$\{(\w+)(?::|-|=|:=)(\w+)\}`)
)

func mendVariables(s string) string {
	s = windowsVariable.ReplaceAllString(s, "$$$1")
	s = makeVariable.ReplaceAllString(s, "$$$1")
	s = template.ReplaceAllString(s, "$1$$$2")
	return otherDefault.ReplaceAllString(s, "$${$1:-$2}")
}

// authority matches host, port and path where one of them, or the colon, is missing or
// misplaced.
var authority = regexp.MustCompile(`^([\w.-]*|\[[\w:]*\])(?::?(\d+|\$\w+|\$\{[^}]*\})|:([A-Z]\w*))?([/?].*)?$`)

// mendAuthority returns host, port and path as they follow http://. A host that is not the
// container is left out, and a port that is missing is 8080.
func mendAuthority(s string) string {
	parts := authority.FindStringSubmatch(s)
	if parts == nil {
		return s
	}
	host, port, path := parts[1], parts[2], parts[4]
	switch {
	case parts[3] != "":
		port = "$" + parts[3]
	case port == "" && isNumber.MatchString(host):
		host, port = "", host
	case port == "":
		port = "8080"
	}
	if !isProbeTest("tcp://" + host + ":1") {
		host = ""
	}
	return host + ":" + port + path
}

var isNumber = regexp.MustCompile(`^\d+$`)
