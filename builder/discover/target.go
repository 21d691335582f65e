package discover

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// address returns where the probe reaches a listening: :8080 or :${PORT:-8080}, or a
// socket's path; "" if that is not known, or not from within the container. The notes
// say what else the source says about it.
func (p *proposer) address(l listening) (at string, notes []string) {
	if len(l.addr) != 1 {
		return "", nil
	}
	v := l.addr[0]
	if v.either {
		notes = append(notes, "something that is not known may say otherwise")
	}
	if l.unix {
		if v.isUnknown() {
			return "", notes
		}
		return v.template(), notes
	}
	host, port, ok := v.split()
	if !ok {
		return v.whole(), notes
	}
	if port = asPort(port); port.isUnknown() {
		return "", notes
	}
	note, ok := judgeHost(host)
	if !ok {
		return "", notes
	}
	if note != "" {
		notes = append(notes, note)
	}
	return ":" + port.template(), notes
}

// split cuts an address at the last colon that is written in it.
func (v value) split() (host, port value, ok bool) {
	for i := len(v.pieces) - 1; i >= 0; i-- {
		p := v.pieces[i]
		if colon := strings.LastIndex(p.text, ":"); p.isText() && colon >= 0 {
			host.pieces = append(append(host.pieces, v.pieces[:i]...), piece{text: p.text[:colon]})
			port.pieces = append(append(port.pieces, piece{text: p.text[colon+1:]}), v.pieces[i+1:]...)
			return host, port, true
		}
	}
	return host, port, false
}

// whole returns an address that is one variable, if its default is one.
func (v value) whole() string {
	if len(v.pieces) != 1 || v.pieces[0].env == "" {
		return ""
	}
	host, port, ok := text(v.pieces[0].def).split()
	if !ok || asPort(port).isUnknown() {
		return ""
	}
	if _, ok := judgeHost(host); !ok {
		return ""
	}
	return v.template()
}

// asPort returns a port as a number or a variable, or else what is unknown.
func asPort(v value) value {
	var out value
	for _, p := range v.pieces {
		if p.text != "" || !p.isText() {
			out.pieces = append(out.pieces, p)
		}
	}
	if len(out.pieces) != 1 {
		return unknown()
	}
	p := &out.pieces[0]
	if p.unknown {
		return out
	}
	for _, number := range []*string{&p.text, &p.def} {
		switch *number {
		case "http":
			*number = "80"
		case "https":
			*number = "443"
		case "":
			continue
		}
		if n, err := strconv.ParseUint(*number, 10, 16); err != nil || n == 0 {
			return unknown() // 0 is any port that is free
		}
	}
	return out
}

// judgeHost reports whether the probe reaches a server that listens there, as it asks
// loopback addresses only.
func judgeHost(v value) (note string, ok bool) {
	s, known := v.plain()
	if !known {
		if i := slices.IndexFunc(v.pieces, func(p piece) bool { return p.env != "" }); i >= 0 && !v.isUnknown() {
			return judgeHost(text(v.pieces[i].def))
		}
		return "the address has a host that is not known: the check asks 127.0.0.1 and [::1]", true
	}
	s = strings.Trim(s, "[]")
	if s == "" {
		return "", true
	}
	ip, err := netip.ParseAddr(s)
	switch {
	case s == "localhost", err == nil && ip.IsLoopback():
		return "the app listens on " + s + " only, so that nobody outside of the container reaches it", true
	case err == nil && ip.IsUnspecified():
		return "", true
	}
	return "", false
}

// withoutUnset returns what the value is while variables that have no default are not set.
func (v value) withoutUnset() value {
	v.pieces = slices.DeleteFunc(slices.Clone(v.pieces), func(p piece) bool { return p.env != "" && p.def == "" })
	return v
}

// template returns the value as the probe's arguments have it.
func (v value) template() string {
	var b strings.Builder
	for _, p := range v.pieces {
		switch {
		case p.env == "":
			b.WriteString(strings.ReplaceAll(p.text, "$", "$$"))
		case p.def == "":
			b.WriteString("${" + p.env + "}")
		default:
			b.WriteString("${" + p.env + ":-" + p.def + "}")
		}
	}
	return b.String()
}
