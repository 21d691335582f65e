package probeargs

import (
	"errors"
)

// target adds the target that a URL of the command line means.
func (c *call) target(url string) error {
	switch {
	case c.given[ipv4]:
		c.cmd.Family = 4
	case c.given[ipv6]:
		c.cmd.Family = 6
	}
	t := Target{Scheme: "http", Socket: c.socket}
	host, err := t.setURL(url)
	switch {
	case err != nil:
		return err
	case c.name == "curl" && !c.given[globOff] && hasGlob(t.Path):
		return errors.New("it stands for several, or is malformed: write -g to mean it as it is")
	case t.Socket != "":
		// Which server the URL names is of interest only to that server.
		if host != "localhost" && !c.cmd.Sets("Host") {
			c.cmd.Header = append(c.cmd.Header, Header{"Host", host})
		}
	case c.cmd.Family == 4 && t.Host == "::1", c.cmd.Family == 6 && t.Host != "" && t.Host != "::1":
		return errors.New("the host is not an address of IPv" + itoa(c.cmd.Family))
	}
	c.cmd.Targets = append(c.cmd.Targets, t)
	return nil
}

func hasGlob(s string) bool {
	_, rest := cutAt(s, "{}[]")
	return rest != ""
}

// setURL sets what a URL says, read in the way of curl and wget: http is the scheme
// that need not be written, ports have a default, and a fragment is not sent. A
// target with a socket keeps it. The host with its port is returned.
func (t *Target) setURL(s string) (authority string, err error) {
	name, rest := cutAt(s, ":/?#")
	if !HasPrefix(rest, "://") {
		name, rest = "http", "://"+s
	}
	switch t.Port = 80; {
	case hasControl(s):
		return "", errors.New("it holds a control character")
	case EqualFold(name, "https") && t.Socket == "":
		t.Scheme, t.Port = "https", 443
	case !EqualFold(name, "http"):
		return "", refuse("scheme ", name, " is not supported here")
	case t.Socket == "":
		t.Scheme = "http"
	default:
		t.Scheme, t.Port = "http+unix", 0
	}
	rest, _ = cutAt(rest[3:], "#")
	authority, path := cutAt(rest, "/?")
	if t.Path, err = requestPath(removeDots(path)); err != nil {
		return "", err
	}
	return authority, t.setHost(authority)
}

// setHost is setAuthority for a URL whose port may be missing but not its host.
func (t *Target) setHost(authority string) error {
	host, port := authority, ""
	if i := LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' {
		host, port = host[:i], host[i+1:]
	}
	_, user := cutAt(authority, "@")
	ok := true
	switch {
	case user != "":
		return errors.New("it holds a user: send a header Authorization")
	case host == "":
		return errors.New("the host is missing: write localhost")
	case t.Socket != "":
		return nil
	}
	if t.Host, ok = loopback(host); !ok {
		return refuse("host ", host, " is not this container: write localhost")
	}
	if port != "" {
		n, ok := atoi(port, 65535)
		if !ok || n == 0 {
			return refuse("port ", port, " is not a number from 1 to 65535")
		}
		t.Port = uint16(n)
	}
	return nil
}

// Redirect makes t the target to which a server redirects with this Location: RFC
// 9110, section 10.2.2. Whoever asked through a socket goes on asking through it.
func (t *Target) Redirect(location string) (err error) {
	location, _ = cutAt(location, "#")
	_, after := cutAt(location, ":/?")
	path, query := cutAt(t.Path, "?")
	switch {
	case HasPrefix(after, "://"):
		_, err = t.setURL(location)
		return err
	case HasPrefix(location, "//"):
		scheme, _ := cutAt(t.Scheme, "+")
		_, err = t.setURL(scheme + ":" + location)
		return err
	case location == "":
		location = path + query
	case location[0] == '?':
		location = path + location
	case location[0] != '/':
		location = path[:LastIndexByte(path, '/')+1] + location
	}
	t.Path, err = requestPath(removeDots(location))
	return err
}

// removeDots removes the segments . and .. from a path, but not from its query: RFC
// 3986, section 5.2.4.
func removeDots(s string) string {
	path, query := cutAt(s, "?")
	kept := ""
	for path != "" {
		var segment string
		segment, path = cutAt(path[1:], "/")
		switch {
		case segment != "." && segment != "..":
			kept += "/" + segment
			continue
		case segment == ".." && kept != "":
			kept = kept[:LastIndexByte(kept, '/')]
		}
		if path == "" {
			kept += "/"
		}
	}
	return kept + query
}
