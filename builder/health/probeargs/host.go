package probeargs

import (
	"errors"
)

// setAuthority sets host and port. path is what follows them, for error texts that
// show how the target should look.
func (t *Target) setAuthority(s, path string) error {
	if Contains(s, "@") {
		return errors.New(`a target holds no user: write -header "Authorization: …"`)
	}
	host, port := s, ""
	if i := LastIndexByte(s, ':'); i >= 0 && !HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	if n, _ := atoi(host, 65535); n > 0 && port == "" {
		return errors.New("a colon stands before the port: write " + Quote(t.Scheme+"://:"+host+path))
	}
	var ok bool
	if t.Host, ok = loopback(host); !ok {
		return errors.New("host " + Quote(host) + " is not this container: leave it out, as in " +
			Quote(t.Scheme+"://:"+or(port, "8080")+path))
	}
	if port == "" {
		return errors.New("the port is missing: write " + Quote(t.Scheme+"://:8080"+path))
	}
	n, ok := atoi(port, 65535)
	if !ok || n == 0 {
		return errors.New("port " + Quote(port) + " is not a number from 1 to 65535")
	}
	t.Port = uint16(n)
	return nil
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// loopback returns the host as a Target holds it, if it is this container.
func loopback(host string) (string, bool) {
	switch ip, v4 := IPv4(host); {
	case host == "" || EqualFold(host, "localhost"):
		return "", true
	case host == "[::1]", host == "[::]": // an unspecified address is this host: RFC 4291, section 2.5.2; RFC 1122, section 3.2.1.3
		return "::1", true
	case v4 && ip == [4]byte{}:
		return "127.0.0.1", true
	case v4 && ip[0] == 127: // RFC 1122, section 3.2.1.3
		return host, true
	}
	return "", false
}

// IPv4 parses an IPv4 address.
func IPv4(host string) (ip [4]byte, ok bool) {
	for i := range ip {
		part, rest, more := Cut(host, ".")
		n, ok := atoi(part, 255)
		if !ok || len(part) > 1 && part[0] == '0' || more != (i < 3) {
			return ip, false
		}
		ip[i], host = byte(n), rest
	}
	return ip, true
}

// Authority returns host and port as they stand in the target.
func (t Target) Authority() string {
	host := t.Host
	if Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + itoa(int(t.Port))
}
