package judge

import (
	"net"
	"net/url"
	"regexp"
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
	case strings.ContainsAny(u.scheme+u.host, "'\"$ \t\r\n“”‘’"):
		return "a quote, a space or a $ is a part of the URL"
	case strings.Trim(u.port, "0123456789"+Unknown) != "":
		return "port " + strconv.Quote(shown(u.port)) + " of the URL is not a number"
	case err == nil && (number < 1 || number > 65535) && isKnown(u.port):
		return "port " + u.port + " of the URL is not one from 1 to 65535"
	case u.host == "":
		return "the URL has no host"
	case strings.Contains(u.host, ":") && !strings.HasPrefix(u.host, "["):
		return "the URL has two ports"
	case strings.ContainsAny(u.host, "}|<>^") && !strings.Contains(u.host, "{"):
		return "it is not a URL"
	case u.host == "http" || u.host == "https":
		return "a colon or a slash of :// is missing"
	}
	return ""
}

// Protocols that curl and wget know; which of them curl has is up to who builds it.
const (
	curlSchemes = " http https dict file ftp ftps gopher gophers imap imaps ipfs ipns ldap ldaps mqtt mqtts pop3 pop3s rtmp rtmpe rtmps rtmpt rtmpte rtmpts " +
		"rtsp scp sftp smb smbs smtp smtps telnet tftp ws wss "
	wgetSchemes = " http https ftp ftps "
)

// curls says why curl cannot ask at a URL, or nothing.
func (u webURL) curls(raw string, o options) string {
	switch {
	case o.has("unix-socket", "abstract-unix-socket"):
		return ""
	case strings.ContainsAny(raw, " \t\r\n"):
		return "a space is a part of the URL"
	case strings.Contains(u.user, "@"):
		return "an @ before the host's is to be %40"
	case isWeb(u) && strings.HasPrefix(raw, u.scheme+":/") && !strings.HasPrefix(raw, u.scheme+"://"): // which curl takes
		return ""
	case isWeb(u) || strings.ContainsAny(u.scheme, "'\"“”‘’"):
		if why := u.mistake(); why != "" {
			return why
		}
	case isKnown(u.scheme) && !strings.Contains(curlSchemes, " "+u.scheme+" "):
		return "curl knows no protocol " + u.scheme
	}
	if !o.has("g", "globoff") && brokenGlob.MatchString(u.path) {
		return "curl takes [ and { of a URL for ranges, without -g"
	}
	return ""
}

// brokenGlob matches brackets that are neither a range nor closed.
var brokenGlob = regexp.MustCompile(`\[(?:[^\]]*$|[^\]-]+\])|\{[^}]*$|\{\}`)

// wgets says why wget cannot ask at a URL, or nothing.
func (u webURL) wgets(raw string) string {
	switch {
	case strings.HasPrefix(raw, "http:/") && !strings.HasPrefix(raw, "http://"):
		return "a slash of http:// is missing"
	case isKnown(u.scheme) && !strings.Contains(wgetSchemes, " "+u.scheme+" ") && !strings.ContainsAny(u.scheme, "'\"$ \t\r\n“”‘’"):
		return "wget knows no protocol " + u.scheme
	}
	return u.mistake()
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
