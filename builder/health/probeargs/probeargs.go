package probeargs

import (
	"errors"
)

// DefaultTimeout is the probe's total timeout when the command line has none. It is
// shorter than the five seconds after which ECS gives up on a check by default.
const DefaultTimeout = 3 * Second

// Limits of a command line.
const (
	maxTargets = 16          // that are checked side by side
	MaxBody    = 16 << 10    // bytes of a response body that are searched
	minTimeout = Millisecond // Docker has the same
	maxTimeout = 24 * 3600 * Second
)

// A Command is a parsed command line.
type Command struct {
	Targets []Target
	Status  []StatusRange // statuses that are healthy; none means 200-399
	Header  []Header      // sent with the request, in this order
	Method  string        // of the request; "" means GET
	Body    string        // what the response body has to hold; "" means anything
	HTTP2   bool          // HTTP is HTTP/2, without asking
	Path    string        // that is asked for on the port that auto finds; "" means that auto connects
	Shown   string        // is Path with its variables as they were written; "" if there are none
	Wanted  string        // is Body with its variables as they were written; "" if there are none
	Timeout Duration      // over everything; 0 means DefaultTimeout
	Log     bool          // a failure is also written to the container's log
	JSON    bool          // the result is also written to stdout, for machines
	Verbose bool          // a success is also written to stderr

	// How connections to targets with TLS are made.
	Insecure   bool   // certificates are not verified
	CACert     string // file of the authorities; "" means those of the image
	ServerName string // that certificates have to hold; "" means localhost, or the target's address
	Cert, Key  string // files of the client's own certificate; "" means that it has none

	AsTool
}

// A Lookup returns the value of a variable. def is the default that stands after
// ":-" in the command line, or "". A Lookup that has no value returns an error.
type Lookup func(name, def string) (string, error)

// Parse parses the arguments of the probe, without the program's name.
func Parse(args []string, lookup Lookup) (*Command, error) {
	return ParseOver(args, func() ([]string, error) { return nil, nil }, lookup)
}

// ParseOver is Parse, but asks for more arguments if these name no target. A flag
// that is in both is as the first have it.
func ParseOver(args []string, more func() ([]string, error), lookup Lookup) (*Command, error) {
	p := parser{args: args, lookup: lookup, cmd: Command{Log: true}}
	err := p.all()
	if err == nil && len(p.cmd.Targets) == 0 {
		p.over, p.ended = len(p.seen), false
		if p.args, err = more(); err == nil {
			err = p.all()
		}
	}
	if err == nil {
		err = p.cmd.validate(p.seen)
	}
	if err != nil {
		return nil, err
	}
	return &p.cmd, nil
}

// parser holds what is left of a command line and what has been read.
type parser struct {
	args   []string
	lookup Lookup
	cmd    Command
	seen   []*flag
	over   int  // flags seen that win over those that follow
	ended  bool // no more flags
}

// all parses what is left.
func (p *parser) all() (err error) {
	for len(p.args) > 0 && err == nil {
		err = p.next()
	}
	return err
}

// next parses one flag with its value, or one target.
func (p *parser) next() error {
	arg := p.args[0]
	p.args = p.args[1:]
	switch {
	case !p.ended && arg == "--":
		p.ended = true
		return nil
	case !p.ended && HasPrefix(arg, "-"):
		return p.flag(arg)
	}
	return p.target(arg)
}

func (p *parser) target(arg string) error {
	s, shown, err := expand(arg, p.lookup)
	if err != nil {
		return errors.New("parsing target " + quoteURL(arg) + ": " + err.Error())
	}
	t, err := parseTarget(s)
	if err != nil {
		err = errors.New("parsing target " + quoteURL(shown) + ": " + err.Error())
		if shown != arg {
			err = errors.New(err.Error() + " (it was written " + quoteURL(arg) + ")")
		}
		return err
	}
	if shown != s {
		t.Shown = TrimPrefix(httpPath(shown), ":")
	}
	p.cmd.Targets = append(p.cmd.Targets, t)
	return nil
}

// validate judges the command line as a whole.
func (c *Command) validate(seen []*flag) error {
	switch {
	case len(c.Targets) == 0:
		return errors.New("no target is given: write one, such as http://:8080/healthz")
	case len(c.Targets) > maxTargets:
		return errors.New("too many targets: the probe checks at most " + itoa(maxTargets))
	case c.Path != "" && !c.anyTarget(isAuto):
		return errors.New("flag -path needs the target auto: other targets hold their path, as in http://:8080/healthz")
	case c.Body != "" && c.Method == "HEAD":
		return errors.New("flag -body does not go with -method HEAD, whose responses have no body")
	}
	for _, f := range seen {
		if !c.anyTarget(f.fits) && !(f.http && c.Path != "") {
			return f.idle()
		}
	}
	return c.validateTLS()
}

func (c *Command) anyTarget(fits func(Target) bool) bool {
	for _, t := range c.Targets {
		if fits(t) {
			return true
		}
	}
	return false
}

func isAuto(t Target) bool { return t.Scheme == "auto" }

// Healthy reports whether a response with this status is healthy.
func (c *Command) Healthy(status int) bool {
	if len(c.Status) == 0 {
		return status >= 200 && status <= 399
	}
	for _, r := range c.Status {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}
