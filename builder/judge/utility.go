package judge

import (
	"archive/tar"
	"slices"
	"strconv"
	"strings"
)

// utility does what other programs do.
func (c *call) utility(p *program) result {
	if c.refusedApplet(p) {
		return result{status: fails}
	}
	switch p.tool {
	case "true":
		return succeeds
	case "false":
		return failsWith("1")
	case "echo":
		return c.nominally(passes, c.externalEcho())
	case "printf":
		return c.printf()
	case "test", "[":
		return c.externalTest(p)
	case "grep", "egrep", "fgrep":
		return c.grep()
	case "tr", "cut", "head", "tail", "sort", "uniq", "wc", "tee", "rev", "tac", "fold", "nl", "base64", "od", "hexdump", "xxd", "logger":
		return c.filter()
	case "cat":
		return c.cat()
	case "jq", "yq":
		return c.jq()
	case "awk", "gawk", "mawk":
		return c.awk()
	case "sed":
		return c.sed()
	case "expr":
		return c.expr()
	case "whoami":
		return c.nominally(passes, c.userName())
	case "date", "hostname", "uname", "pwd", "nproc", "uptime", "printenv":
		return c.nominally(passes, Unknown)
	case "id":
		return c.identity()
	case "ls", "stat":
		return c.lists()
	case "mktemp":
		if len(c.args()) == 0 {
			return c.writes("/tmp/tmp.XXXXXX")
		}
	case "touch", "mkdir":
		return c.makes()
	case "nc", "ncat", "netcat":
		return c.nc(p)
	case "find":
		return c.findFiles(p)
	case "pidof", "pgrep", "pkill", "killall":
		return c.named(p)
	case "rm":
		if !slices.ContainsFunc(c.args(), func(a string) bool { return strings.HasPrefix(a, "-") }) {
			return c.lists()
		}
	case "grpc_health_probe", "grpc-health-probe":
		return c.grpc()
	}
	return unclear
}

// externalEcho is what echo prints as a program, which does as bash's does.
func (c *call) externalEcho() string {
	outer := c.dialect
	c.dialect = bash
	r := c.echo()
	c.dialect = outer
	return r.out
}

// externalTest runs test as a program: BusyBox's knows ==, and so does GNU's.
func (c *call) externalTest(p *program) result {
	outer := c.dialect
	c.dialect = anyShell
	r := c.test()
	c.dialect = outer
	return r
}

// filter passes something on, whatever it reads.
func (c *call) filter() result {
	out := Unknown
	if c.in == "" && !slices.Contains([]string{"wc", "nl"}, c.name()) {
		out = ""
	}
	files := false
	for _, a := range c.args() {
		files = files || strings.HasPrefix(a, "/")
	}
	if c.name() == "wc" || files {
		out = Unknown
	}
	if files {
		return result{status: either, out: out}
	}
	return c.nominally(passes, out)
}

func (c *call) cat() result {
	if len(c.args()) == 0 && !c.open {
		return c.nominally(passes, c.in)
	}
	all := succeeds
	for _, name := range c.args() {
		if c.open || strings.HasPrefix(name, "-") {
			all = all.or(unclear)
			continue
		}
		r := c.reads(name)
		if r.status == fails {
			return r
		}
		all.status, all.out = all.status|r.status, together(all.out, r.out)
	}
	if all.status == passes {
		return c.nominally(passes, all.out)
	}
	return all
}

// reads reads a file, or tells why that cannot be.
func (c *call) reads(name string) result {
	_, is := c.exists(name)
	if is == no {
		c.cause(c.scene, "no-file", c.at, name+" is not in the image")
		return result{status: fails, code: "1", out: Unknown}
	}
	c.guessed(no, c.scene, c.at)
	e, ok := c.lookup(c.absolute(name))
	if who := c.cannot(e, ok, 4); who != "" {
		c.cause(c.scene, "no-file", c.at, "user "+who+" may not read "+name)
		return result{status: fails, code: "1", out: Unknown}
	}
	return result{status: c.asExpected(is == yes && e.Type == tar.TypeReg), out: c.textOf(name)}
}

// readAll returns what files hold, one after the other.
func (c *call) readAll(names []string) (text string) {
	for _, name := range names {
		r := c.reads(name)
		text = together(text, r.out)
	}
	return text
}

// writes writes a file, or tells why that cannot be.
func (c *call) writes(name string) result {
	why, sure := c.cannotWrite(name)
	if why != "" {
		c.cause(c.scene, "no-file", c.at, why)
	}
	if sure {
		return failsWith("1")
	}
	return unclear
}

// isThere looks at a file, or tells that it is not there.
func (c *call) isThere(name string) result {
	if _, is := c.exists(name); is == no {
		c.cause(c.scene, "no-file", c.at, name+" is not in the image")
		return result{status: fails, out: Unknown}
	}
	c.guessed(no, c.scene, c.at)
	return result{status: either, out: Unknown}
}

// lists is ls, or stat.
func (c *call) lists() result {
	for _, name := range c.operands(syntaxOf{letters: "cITwCfF", long: " format printf width "}.parse(c.args())) {
		if c.open || !isKnown(name) {
			return unclear
		}
		if r := c.isThere(name); r.status == fails {
			return r
		}
	}
	return unclear
}

// makes is touch, or mkdir.
func (c *call) makes() result {
	for _, name := range c.operands(syntaxOf{letters: "mdrt", long: " mode date reference "}.parse(c.args())) {
		if c.open || !isKnown(name) {
			return unclear
		}
		if r := c.writes(name); r.status == fails {
			return r
		}
	}
	return unclear
}

// identity is id -u.
func (c *call) identity() result {
	if len(c.args()) != 1 || c.args()[0] != "-u" || c.container.UserOpen {
		return c.nominally(passes, Unknown)
	}
	id := c.identify(c.container.User)
	if id.unknown {
		return c.nominally(passes, Unknown)
	}
	return c.nominally(passes, strconv.Itoa(id.uid)+"\n")
}

// userName is the name of the user that the check runs as, and a new line.
func (c *call) userName() string {
	name, _, _ := strings.Cut(c.container.User, ":")
	if c.container.UserOpen || name == "" || syntaxDigits(name) {
		return Unknown
	}
	return name + "\n"
}

// jq fails on what is no JSON, and with -e where the answer is null or false.
func (c *call) jq() result {
	exits := slices.ContainsFunc(c.args(), func(a string) bool {
		return a == "--exit-status" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "e") ||
			strings.Contains(a, "error") || strings.Contains(a, "halt")
	})
	out := Unknown
	if c.in == "" && !slices.Contains(c.args(), "-n") {
		out = ""
	}
	if exits {
		return result{status: either, out: out}
	}
	return c.nominally(passes, out)
}

// nc asks a port.
func (c *call) nc(p *program) result {
	o := syntaxOf{letters: "wipsqeIOPTVXx"}.parse(c.args())
	if p.flavour == busybox && o.has("z") && p.Path != "" && !c.holds(p.Path, "i:o:z") { // its getopt string, where nc has -z
		c.cause(c.scene, "unknown-option", c.at, "the image's BusyBox has an nc that does not know -z")
		return failsWith("1")
	}
	operands := c.operands(o)
	if len(operands) == 2 && !c.open && isKnown(strings.Join(operands, "")) {
		a := asked{arg: c.arg, offset: c.of(c.at), tool: c.name(), scheme: "tcp", host: operands[0], port: operands[1]}
		if isHere(operands[0]) && o.has("z") && !o.has("u") {
			a.probe = []string{"tcp://:" + operands[1]}
		}
		c.asks(a)
		return result{status: c.asExpected(true), out: Unknown}
	}
	return unclear
}

// grpc is grpc_health_probe.
func (c *call) grpc() result {
	a := asked{arg: c.arg, offset: c.of(c.at), tool: c.name(), scheme: "grpc"}
	service, plainUse := "", !c.open
	for i := 0; i < len(c.args()); i++ {
		name, value, _ := strings.Cut(strings.TrimLeft(c.args()[i], "-"), "=")
		if (name == "addr" || name == "service" || strings.HasSuffix(name, "timeout")) && value == "" && i+1 < len(c.args()) {
			i++
			value = c.args()[i]
		}
		switch name {
		case "addr":
			a.host, a.port, _ = strings.Cut(value, ":")
		case "service":
			service = "/" + value
		case "rpc-timeout":
			c.late(value, baseName(c.name()))
		case "connect-timeout", "v":
		default:
			plainUse = false
		}
	}
	if plainUse && (a.host == "" || isHere(a.host)) && syntaxDigits(a.port) {
		a.probe = []string{"grpc://:" + a.port + service}
	}
	c.asks(a)
	return result{status: c.asExpected(true), out: Unknown}
}
