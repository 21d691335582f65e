package judge

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A webURL is what curl or wget asks, as far as it is known.
type webURL struct {
	scheme, user, host, port, path string
}

// parseURL splits a URL, whose scheme may be left out. It does not fail: what is not as
// it should be is told by [webURL.mistake].
func parseURL(s string) (u webURL) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "http", s
	}
	u.scheme = strings.ToLower(scheme)
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, u.path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.user, authority = authority[:i], authority[i+1:]
	}
	u.host = authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		u.host, u.port = authority[:i], authority[i+1:]
	}
	return u
}

// mistake says why nothing can be asked at a URL, or nothing.
func (u webURL) mistake() string {
	number, err := strconv.Atoi(u.port)
	switch {
	case strings.ContainsAny(u.scheme+u.host, "'\"$ \t\r\n"):
		return "a quote, a space or a $ is a part of the URL"
	case strings.Trim(u.port, "0123456789"+Unknown) != "":
		return "port " + strconv.Quote(shown(u.port)) + " of the URL is not a number"
	case err == nil && (number < 1 || number > 65535) && isKnown(u.port):
		return "port " + u.port + " of the URL is not one from 1 to 65535"
	case u.host == "":
		return "the URL has no host"
	}
	return ""
}

// shown is a text for people, who may see what is not known as an ellipsis.
func shown(s string) string { return strings.ReplaceAll(s, Unknown, "…") }

// portNumber returns the port, or the scheme's own if none is written; 0 is not known.
func (u webURL) portNumber() int {
	if port, err := strconv.Atoi(u.port); err == nil {
		return port
	}
	switch {
	case u.port != "":
		return 0
	case u.scheme == "https":
		return 443
	case u.scheme == "http":
		return 80
	}
	return 0
}

// isHere reports whether a host is this container.
func isHere(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// avoids reports whether a list such as no_proxy has a host.
func avoids(list, host string) bool {
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		item = strings.TrimPrefix(item, ".")
		if item == "*" || item == host || strings.HasSuffix(host, "."+item) {
			return true
		}
		if _, network, err := net.ParseCIDR(item); err == nil && network.Contains(net.ParseIP(host)) {
			return true
		}
	}
	return false
}

// proxyHost returns the host of a proxy's URL.
func proxyHost(s string) string {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return Unknown
	}
	return u.Hostname()
}
