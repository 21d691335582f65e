package probeargs

import (
	"errors"
)

// A StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ From, To int }

// setStatus parses ranges such as 200-299,301. Interim statuses are below the
// limits: the probe skips them, so they can never be the answer.
func setStatus(c *Command, value string) error {
	for rest, more := value, true; more; {
		var item string
		item, rest, more = Cut(rest, ",")
		from, to, isRange := Cut(item, "-")
		if !isRange {
			to = from
		}
		lo, ok := atoi(from, 599)
		hi, ok2 := atoi(to, 599)
		if !ok || !ok2 || lo < 200 || hi < lo {
			return errors.New(Quote(item) + " is neither a status from 200 to 599 nor a range of them such as 200-299")
		}
		c.Status = append(c.Status, StatusRange{lo, hi})
	}
	return nil
}

// A Header is a field of the request.
type Header struct{ Name, Value string }

// setHeader parses "Name: value". Its errors do not quote the value.
func setHeader(c *Command, value string) error {
	name, value, ok := Cut(value, ":")
	h := Header{name, Trim(value)}
	switch {
	case !ok:
		return errors.New(`there is no colon: write "Name: value"`)
	case !isToken(h.Name):
		return errors.New("what stands before the colon is not the name of a header")
	case hasControl(h.Value):
		return errors.New("the value of " + h.Name + " holds a control character")
	case EqualFold(h.Name, "Content-Length"), EqualFold(h.Name, "Transfer-Encoding"):
		return errors.New("the request has no body, so it has no " + h.Name)
	}
	c.Header = append(c.Header, h)
	return nil
}

// isToken reports whether s is a token: RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
