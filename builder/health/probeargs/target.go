package probeargs

import (
	"errors"
)

// A Target is one thing that is checked. Targets can be compared with ==.
type Target struct {
	Scheme string   // one of those in the package's description
	Host   string   // "" is 127.0.0.1 and then ::1; else one of the two, or of 127.0.0.0/8 (or where auto has found the app)
	Port   uint16   // of http, https, tcp, grpc and grpcs
	Socket string   // of unix and http+unix: a path, or @ and the name of an abstract socket
	Path   string   // of HTTP: path and query of the request; of gRPC: the service; of file: the file; of auto: ports on which the app has to listen, as in 8080,9090
	Shown  string   // of HTTP: Path with its variables as they were written; "" if there are none
	MaxAge Duration // of file: since its modification; 0 means any age
}

// A scheme is a kind of target.
type scheme struct {
	name  string
	parse func(t *Target, rest string) error // rest follows "://"
}

// schemes holds what a target can begin with, but for auto.
var schemes = [...]scheme{
	{"http", parseHTTP},
	{"tcp", parseTCP},
	{"unix", parseUnix},
	{"http+unix", parseHTTPUnix},
	{"file", parseFile},
	{"https", parseHTTP},
	{"grpc", parseGRPC},
	{"grpcs", parseGRPC},
}

const schemeNames = "auto, http, https, tcp, unix, http+unix, grpc, grpcs and file"

// maxSocket is the longest name of a socket that the kernel takes: unix(7).
const maxSocket = 107

// parseTarget parses a target without variables.
func parseTarget(s string) (t Target, err error) {
	err = t.set(s)
	return t, err
}

func (t *Target) set(s string) error {
	name, rest, ok := Cut(s, "://")
	t.Scheme = name
	switch {
	case s == "auto":
		return nil
	case HasPrefix(s, "auto:"):
		return parseAuto(t, s[len("auto:"):])
	case s == "true" || s == "false":
		return errors.New("it is no target: a flag that can stand alone has its value behind =, as in -log=false")
	case !ok:
		return errors.New("there is no scheme: write one, such as http://:8080/healthz or tcp://:8080")
	case hasControl(s):
		return errors.New("it holds a control character")
	case Contains(rest, "#"):
		return errors.New("a check has no fragment: leave out what begins with #")
	}
	for _, sch := range schemes {
		if sch.name == name {
			return sch.parse(t, rest)
		}
	}
	return errors.New("unknown scheme " + Quote(name) + ": there are " + schemeNames)
}

// parseAuto parses ports, which stand behind the word auto and a colon.
func parseAuto(t *Target, ports string) error {
	for port, rest, more := "", ports, true; more; {
		port, rest, more = Cut(rest, ",")
		if n, ok := atoi(port, 65535); !ok || n == 0 {
			return errors.New("port " + Quote(port) + " is not a number from 1 to 65535: write auto:8080,9090, and a path as -path /healthz")
		}
	}
	t.Scheme, t.Path = "auto", ports
	return nil
}

func parseHTTP(t *Target, rest string) (err error) {
	authority, path := cutAt(rest, "/?")
	if err := t.setAuthority(authority, path); err != nil {
		return err
	}
	t.Path, err = requestPath(path)
	return err
}

func parseTCP(t *Target, rest string) error {
	authority, path := cutAt(rest, "/?")
	if path != "" {
		return errors.New("tcp:// has no path: it only connects")
	}
	return t.setAuthority(authority, "")
}

func parseUnix(t *Target, rest string) error {
	if Contains(rest, ":/") {
		return errors.New("unix:// has no path: it only connects: write " + Quote("http+unix://"+rest))
	}
	if Contains(rest, "?") {
		return errors.New("unix:// has no query: it only connects")
	}
	return t.setSocket(rest)
}

// parseHTTPUnix splits socket and request path at the first colon. Other programs
// write a percent-encoded socket in the place of the host; reading both would make
// some paths mean two things.
func parseHTTPUnix(t *Target, rest string) (err error) {
	socket, path, colon := Cut(rest, ":")
	if Contains(socket, "%") {
		return errors.New("sockets are not percent-encoded: write http+unix:///run/app.sock:/healthz")
	}
	if i := Index(socket, ".sock/"); i >= 0 && !colon {
		i += len(".sock")
		return errors.New("a colon stands before the request path: write " + Quote("http+unix://"+rest[:i]+":"+rest[i:]))
	}
	if err := t.setSocket(socket); err != nil {
		return err
	}
	t.Path, err = requestPath(path)
	return err
}

func parseFile(t *Target, rest string) error {
	path, query, hasQuery := Cut(rest, "?")
	if !HasPrefix(path, "/") {
		return errors.New("the file's path does not begin with /: write file:///tmp/alive")
	}
	t.Path = path
	if !hasQuery {
		return nil
	}
	name, value, _ := Cut(query, "=")
	if name != "max_age" {
		return errors.New("unknown option " + Quote(name) + ": file:// has max_age")
	}
	var ok bool
	if t.MaxAge, ok = parseDuration(value); !ok || t.MaxAge == 0 {
		return errors.New("max_age " + Quote(value) + " is not a duration such as 60s")
	}
	return nil
}

// setSocket sets a socket that does not need escaping in a message or a URL.
func (t *Target) setSocket(s string) error {
	switch {
	case len(s) < 2 || s[0] != '/' && s[0] != '@':
		return errors.New("the socket is neither a path nor abstract: write " +
			t.Scheme + ":///run/app.sock or " + t.Scheme + "://@name")
	case len(s) > maxSocket:
		return errors.New("the socket's name is longer than " + itoa(maxSocket) + " bytes")
	}
	t.Socket = s
	return nil
}

// requestPath returns the path and query that a request holds. Both are ASCII
// without spaces: RFC 9112, section 3.2, and RFC 3986.
func requestPath(s string) (string, error) {
	if s == "" || s[0] == '?' {
		s = "/" + s
	}
	if s[0] != '/' {
		return "", errors.New("the request path does not begin with /")
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return "", errors.New("the request path holds a character that must be percent-encoded")
		}
	}
	return s, nil
}

// cutAt cuts s before the first of the given bytes.
func cutAt(s, bytes string) (before, after string) {
	for i := 0; i < len(s); i++ {
		if IndexByte(bytes, s[i]) >= 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// isHTTP reports whether the target is asked with an HTTP request.
func (t Target) isHTTP() bool {
	return t.Scheme == "http" || t.Scheme == "https" || t.Scheme == "http+unix"
}

// String returns the target in the form that Parse reads, but with variables in
// the request path as they were written.
func (t Target) String() string {
	s := t.Scheme + "://"
	switch t.Scheme {
	case "auto":
		if t.Path == "" {
			return t.Scheme
		}
		return "auto:" + t.Path
	case "http", "https", "tcp":
		return s + t.Authority() + or(t.Shown, t.Path)
	case "grpc", "grpcs":
		if s += t.Authority(); t.Path != "" {
			s += "/" + t.Path
		}
		return s
	case "http+unix":
		return s + t.Socket + ":" + or(t.Shown, t.Path)
	case "unix":
		return s + t.Socket
	}
	if s += t.Path; t.MaxAge != 0 {
		s += "?max_age=" + formatDuration(t.MaxAge)
	}
	return s
}
