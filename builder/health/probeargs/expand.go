package probeargs

import (
	"errors"
)

// expand replaces the variables in s by their values. In shown, those in the path or
// query of an HTTP target are left as they are written: a value may be a secret.
func expand(s string, lookup Lookup) (out, shown string, err error) {
	for {
		before, after, found := Cut(s, "$")
		out, shown = out+before, shown+before
		if !found {
			return out, shown, nil
		}
		if HasPrefix(after, "$") {
			out, shown, s = out+"$", shown+"$", after[1:]
			continue
		}
		name, def, rest, ok := variable(after)
		if !ok {
			return "", "", errors.New("malformed variable " + Quote("$"+after) +
				": write $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar")
		}
		value, err := lookup(name, def)
		if err != nil {
			return "", "", err
		}
		if httpPath(out) != "" {
			shown += s[len(before) : len(s)-len(rest)]
		} else {
			shown += value
		}
		out, s = out+value, rest
	}
}

// httpPath returns what an HTTP target has behind host and port, or the socket.
func httpPath(s string) string {
	name, rest, _ := Cut(s, "://")
	switch before := "/?"; name {
	case "http+unix":
		before = ":"
		fallthrough
	case "http", "https":
		_, rest = cutAt(rest, before)
		return rest
	}
	return ""
}

// variable splits what stands behind a dollar: NAME, {NAME} or {NAME:-def}, and the
// rest.
func variable(s string) (name, def, rest string, ok bool) {
	if !HasPrefix(s, "{") {
		n := nameLen(s)
		return s[:n], "", s[n:], n > 0
	}
	inner, rest, ok := Cut(s[1:], "}")
	if !ok {
		return "", "", "", false
	}
	name, def, hasDefault := Cut(inner, ":-")
	ok = name != "" && nameLen(name) == len(name) && !Contains(def, "$")
	return name, def, rest, ok && (def != "" || !hasDefault)
}

// nameLen returns the length of the variable name that s begins with.
func nameLen(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}
