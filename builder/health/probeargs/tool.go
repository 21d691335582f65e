package probeargs

import (
	"errors"
)

// AsTool is what curl and wget do and the probe by itself does not.
type AsTool struct {
	Tool   string // whose options the command line has; "" means the probe's own
	Follow int    // redirects that are followed; 0 means that a redirect is an answer like any other
	Family int    // of localhost's addresses, 4 or 6; 0 means both
	Whole  bool   // the body has to arrive to its end, or as far as the probe reads
	OrGet  bool   // a request answered with 500 or 501 is repeated with GET
}

// Flag returns a flag of the probe's, such as -cacert, as the tool has it.
func (a AsTool) Flag(name string) string {
	means := map[string]meaning{"-cacert": caCert, "-insecure": insecure, "-cert": cert, "-key": key}[name]
	for _, t := range tools {
		for _, o := range t.options {
			if t.name == a.Tool && o.means == means && means != noMatter {
				return "--" + o.long
			}
		}
	}
	if a.Tool != "" {
		return "healthcheck's " + name
	}
	return name
}

// maxFollow is the number of redirects that curl follows by default.
const maxFollow = 50

// A tool is a program whose name and options the probe answers to.
type tool struct {
	name    string
	options []option
}

var tools = [...]tool{{"curl", curlOptions[:]}, {"wget", wgetOptions[:]}}

// An option is one that a tool has.
type option struct {
	long  string // "" if it has a short name only
	short byte   // 0 if it has a long name only
	means meaning
}

// A call is the command line of a tool, as far as it has been read.
type call struct {
	*tool
	args      []string // not read yet
	ended     bool     // no more options
	given     [lastSwitch + 1]bool
	cmd       Command
	urls      []string
	agent     string
	user      string // "" if there is none
	password  string
	socket    string
	redirects int // -1 is the tool's default
	once      bool
}

// ParseAs parses the arguments of a tool by whose name, or path, the probe is
// called. known reports whether it is one that the probe stands in for: curl or wget.
// Nothing is expanded, since a shell has done that.
func ParseAs(name string, args []string) (cmd *Command, known bool, err error) {
	for i := range tools {
		if t := &tools[i]; isNamed(name, t.name) {
			c := call{tool: t, args: args, cmd: Command{Log: true, AsTool: AsTool{Tool: t.name}}, redirects: -1}
			if err := c.parse(); err != nil {
				return nil, true, errors.New(t.name + ": " + err.Error())
			}
			return &c.cmd, true, nil
		}
	}
	return nil, false, nil
}

// isNamed reports whether a path ends with a name.
func isNamed(path, name string) bool {
	path = TrimSuffix(path, ".exe")
	dir := len(path) - len(name)
	return dir >= 0 && path[dir:] == name && (dir == 0 || path[dir-1] == '/' || path[dir-1] == '\\')
}

func (c *call) parse() error {
	for len(c.args) > 0 {
		if err := c.next(); err != nil {
			return err
		}
	}
	finish := c.finishCurl
	if c.name == "wget" {
		finish = c.finishWget
	}
	if err := finish(); err != nil {
		return err
	}
	return c.finish()
}

// next reads an argument, with the value that follows it.
func (c *call) next() error {
	arg := c.args[0]
	c.args = c.args[1:]
	switch {
	case c.ended || len(arg) < 2 || arg[0] != '-':
		c.urls = append(c.urls, arg)
		return nil
	case arg == "--":
		c.ended = true
		return nil
	case arg[1] == '-':
		return c.long(arg[2:])
	}
	return c.short(arg[1:])
}

// long reads an option with a long name. To wget, the value may be in the same
// argument: getopt_long(3).
func (c *call) long(name string) error {
	value, joined := "", false
	if c.name == "wget" {
		name, value, joined = Cut(name, "=")
	}
	for i := range c.options {
		o := &c.options[i]
		switch {
		case name == "" || o.long != name:
			continue
		case joined && o.means <= lastSwitch:
			return errors.New("option --" + name + " takes no value")
		}
		return c.option(o, "--"+name, value, joined)
	}
	return unsupported("--" + name)
}

// short reads options of one letter. The last of them may have its value in the
// same argument.
func (c *call) short(letters string) error {
	for letters != "" {
		name, o := "-"+letters[:1], c.find(letters[0])
		letters = letters[1:]
		switch {
		case o == nil:
			return unsupported(name)
		case o.means > lastSwitch:
			return c.option(o, name, letters, letters != "")
		}
		c.given[o.means] = true
	}
	return nil
}

func (c *call) find(letter byte) *option {
	for i := range c.options {
		if o := &c.options[i]; o.short == letter && letter != 0 {
			return o
		}
	}
	return nil
}

// option notes an option. A value that is not joined to it is the next argument.
func (c *call) option(o *option, name, value string, joined bool) error {
	switch {
	case o.means <= lastSwitch:
		c.given[o.means] = true
		return nil
	case joined:
	case len(c.args) == 0:
		return errors.New("option " + name + " needs a value")
	default:
		value, c.args = c.args[0], c.args[1:]
	}
	if err := c.set(o.means, value); err != nil {
		return errors.New("option " + name + ": " + err.Error())
	}
	return nil
}

func unsupported(option string) error {
	return refuse("option ", option, " is not supported: leave it out, or call healthcheck with flags of its own")
}

// refuse quotes what is refused.
func refuse(before, what, after string) error { return errors.New(before + Quote(what) + after) }

// finish makes targets of the URLs.
func (c *call) finish() error {
	switch {
	case len(c.urls) == 0:
		return errors.New("no URL is given")
	case c.given[ipv4] && c.given[ipv6]:
		return errors.New("options -4 and -6 exclude each other")
	case len(c.urls) > maxTargets:
		return errors.New("too many URLs: the probe checks at most " + itoa(maxTargets))
	}
	for _, url := range c.urls {
		if err := c.target(url); err != nil {
			return errors.New("URL " + quoteURL(url) + ": " + err.Error())
		}
	}
	if c.agent != "" && !c.cmd.Sets("User-Agent") {
		c.cmd.Header = append(c.cmd.Header, Header{"User-Agent", c.agent})
	}
	if c.user != "" && !c.cmd.Sets("Authorization") {
		c.cmd.Header = append(c.cmd.Header, Header{"Authorization", "Basic " + base64(c.user+":"+c.password)})
	}
	if c.cmd.Insecure = c.given[insecure]; c.cmd.Insecure {
		c.cmd.CACert = ""
	}
	c.cmd.Key = or(c.cmd.Key, c.cmd.Cert) // as both tools have it: one file with both
	return nil
}

// Sets reports whether the command line sets a field of the request.
func (c *Command) Sets(name string) bool {
	for _, h := range c.Header {
		if EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}
