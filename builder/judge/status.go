package judge

import "strings"

// A status is the set of ways in which a command can end. The empty set is that of one
// that what follows is not reached from: it ends the shell, or never ends.
type status uint8

const (
	passes status = 1 << iota // with exit status 0
	fails                     // with another one
	either = passes | fails
)

// negated is what ! makes of it.
func (s status) negated() (n status) {
	if s&passes != 0 {
		n |= fails
	}
	if s&fails != 0 {
		n |= passes
	}
	return n
}

func statusOf(ok bool) status {
	if ok {
		return passes
	}
	return fails
}

// A result is how a command can end, and what it can print.
type result struct {
	status
	code string // the exit status, if it fails with a known one
	out  string // to its standard output, if somebody reads that
}

var (
	succeeds  = result{status: passes}
	unclear   = result{status: either, out: Unknown}
	notFound  = result{status: fails, code: "127"}
	cannotRun = result{status: fails, code: "126"}
)

func failsWith(code string) result { return result{status: fails, code: code} }

// exitCode returns the exit status as $? has it.
func (r result) exitCode() string {
	switch {
	case r.status == passes:
		return "0"
	case r.status == fails && r.code != "":
		return r.code
	}
	return Unknown
}

// or returns the result of a command that is one of two.
func (r result) or(o result) result {
	switch {
	case r.status == 0:
		return o
	case o.status == 0:
		return r
	}
	joined := result{status: r.status | o.status, out: same(r.out, o.out)}
	if r.exitCode() == o.exitCode() {
		joined.code = r.code
	}
	return joined
}

// same returns a text that stands for both.
func same(a, b string) string {
	if a == b {
		return a
	}
	return Unknown
}

func isKnown(s string) bool { return !strings.Contains(s, Unknown) }

// maybe is a truth that need not be known.
type maybe uint8

const (
	no maybe = iota
	yes
	perhaps
)

func (m maybe) or(o maybe) maybe {
	if m == o {
		return m
	}
	return perhaps
}
