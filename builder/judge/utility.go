package judge

import (
	"regexp"
	"slices"
	"strings"
)

// utility does what other programs do.
func (c *call) utility(p *program) result {
	switch p.tool {
	case "true":
		return succeeds
	case "false":
		return failsWith("1")
	case "echo":
		return c.nominally(passes, c.echo().out)
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
	case "awk", "gawk", "mawk", "sed":
		return c.program1()
	case "date", "hostname", "uname", "id", "whoami", "pwd", "nproc", "uptime", "printenv":
		return c.nominally(passes, Unknown)
	case "nc", "ncat", "netcat":
		return c.nc(p)
	case "grpc_health_probe", "grpc-health-probe":
		return c.grpc()
	}
	return unclear
}

// externalTest runs test as a program: BusyBox's knows ==, and so does GNU's.
func (c *call) externalTest(p *program) result {
	outer := c.dialect
	c.dialect = anyShell
	r := c.test()
	c.dialect = outer
	return r
}

// plainPattern matches patterns that stand for themselves.
var plainPattern = regexp.MustCompile(`^[\w /:"{}=,%@<>;-]+$`)

// grep finds nothing where there is nothing.
func (c *call) grep() result {
	o := syntaxOf{letters: "efmABCdD", long: " regexp file max-count after-context before-context context include exclude "}.parse(c.args())
	operands := c.operands(o)
	patternFrom := o.has("e", "f", "regexp", "file")
	if c.open || o.has("V", "version", "help") {
		return unclear
	}
	if len(operands) == 0 && !patternFrom {
		return failsWith("2")
	}
	out := Unknown
	if o.has("q", "quiet", "silent") {
		out = ""
	}
	if patternFrom || len(operands) > 1 || o.has("r", "R", "recursive") {
		if len(operands) == 0 && c.in == "" && !o.has("r", "R", "recursive") {
			return failsWith("1")
		}
		return result{status: either, out: out}
	}
	r := result{status: either, out: out}
	switch p := operands[0]; {
	case o.has("L", "files-without-match", "c", "count") && c.in != "":
	case o.has("L", "files-without-match"):
	case c.in == "":
		r = result{status: fails, code: "1", out: map[bool]string{true: Unknown}[o.has("c", "count")]}
	case isKnown(c.in) && isKnown(p) && plainPattern.MatchString(p) && !o.has("i", "v", "w", "x", "P", "z") && !strings.HasSuffix(p, "-"):
		r.status = statusOf(strings.Contains(c.in, p))
	}
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
	for _, name := range c.args() {
		if name == "/dev/null" {
			continue
		}
		if _, is := c.exists(name); is == no && !c.open && !strings.HasPrefix(name, "-") {
			c.cause(c.scene, "no-file", c.at, name+" is not in the image")
			return result{status: fails, out: Unknown}
		}
	}
	return result{status: either, out: Unknown}
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

// program1 runs awk or sed, which succeed unless their program ends otherwise.
func (c *call) program1() result {
	ends := slices.ContainsFunc(c.args(), func(a string) bool {
		return strings.Contains(a, "exit") || baseName(c.name()) == "sed" && strings.ContainsAny(a, "qQ")
	})
	if ends {
		return unclear
	}
	return c.nominally(passes, Unknown)
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
	return unclear
}
