package judge

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// asked is something that a program asks a server.
type asked struct {
	arg, offset int
	tool        string
	scheme      string
	host, port  string
	path        string
	probe       []string // the same as arguments of kohealth's probe; nil if that is not sure
}

func (r *run) asks(a asked) { r.asked = append(r.asked, a) }

// curl is what curl does: it fails by itself only if it cannot ask.
func (c *call) curl(p *program) result {
	f := p.flavour
	if f == ours {
		return c.asOurs("curl")
	}
	o := curlSyntax.parse(c.args())
	if o.has("V", "version", "h", "help", "M", "manual") {
		return result{status: passes, out: Unknown}
	}
	if o.strange != "" && !c.open {
		return c.refuses(f, o.strange)
	}
	if strange := c.unknown(p, curlSyntax, o); strange != "" && !c.open {
		return c.refuses(f, strange)
	}
	if value := curlSyntax.noNumber(o); value != "" && !c.open {
		c.cause(c.scene, "unknown-option", c.at, "curl takes "+shown(value)+" for no number")
		return failsWith("2")
	}
	c.joined(o)
	urls := c.operands(o)
	for _, g := range o.given {
		if g.name == "url" {
			urls = append(urls, g.value)
		}
	}
	if file, ok := o.value("K", "config"); ok {
		return c.reads(file)
	}
	if r, ok := c.plainUse(urls, o); !ok {
		return r
	}
	if file, ok := o.value("o", "output"); ok && !isStream(file) && c.writes(file).status == fails {
		return failsWith("23")
	}
	for _, u := range urls {
		parsed := parseURL(u)
		if why := parsed.curls(u, o); why != "" && !c.open && len(urls) == 1 {
			return c.badURL(u, why)
		}
		c.askWeb("curl", parsed, o, curlProbe)
	}
	c.proxied("curl", urls, o)
	c.limit(o, "curl", "m", "max-time")
	if slices.ContainsFunc(urls, func(u string) bool { return isWeb(parseURL(u)) }) {
		c.needsFail(o)
	}
	out := Unknown
	printing := o.has("w", "write-out", "D", "dump-header", "trace", "trace-ascii", "stderr")
	if file, hasFile := o.value("o", "output"); hasFile && !printing && !isStream(file) {
		out = ""
	}
	return result{status: c.asExpected(!c.open), out: out}
}

// isStream reports whether what is written to a file may be read by somebody else.
func isStream(file string) bool {
	return file == "-" || !isKnown(file) || strings.HasPrefix(file, "/dev/") && file != "/dev/null" || strings.HasPrefix(file, "/proc/")
}

func isWeb(u webURL) bool { return u.scheme == "http" || u.scheme == "https" }

// operands returns the arguments that are no options.
func (c *call) operands(o options) (operands []string) {
	for _, i := range o.operands {
		operands = append(operands, c.args()[i])
	}
	return operands
}

// plainUse handles what curl and wget have in common: to ask nothing, and to get what
// was meant for a shell.
func (c *call) plainUse(urls []string, o options) (r result, ok bool) {
	if (len(urls) == 0 || o.lacks) && c.open {
		return unclear, false
	}
	if len(urls) == 0 || o.lacks {
		c.cause(c.scene, "no-url", c.at, c.name()+" is called without a URL")
		return failsWith("2"), false
	}
	if !c.isExec {
		return r, true
	}
	for i, a := range c.args() {
		if slices.Contains(o.operands, i) && isOperator(a) {
			c.forShell(i+1, a, true)
			return failsWith("6"), false
		}
	}
	return r, true
}

// joined tells of a value that an option of curl's has behind =, which few curls take.
func (c *call) joined(o options) {
	for _, g := range o.given {
		if len(g.name) > 1 && g.joined {
			c.tell("unknown-option", c.at, "curl takes no --"+g.name+"="+shown(g.value)+": write --"+g.name+" "+shown(g.value), c.replace("--"+g.name+"="+g.value, "--"+g.name, g.value))
		}
	}
}

// badURL is what becomes of a URL that cannot be asked.
func (c *call) badURL(url, why string) result {
	rule := "bad-url"
	if c.isExec && strings.Contains(url, "$") {
		c.forShell(slices.Index(c.words, url), url, true)
		return failsWith("3")
	}
	c.cause(c.scene, rule, c.at, c.name()+" cannot ask "+shown(url)+": "+why)
	return failsWith("3")
}

// refuses is what becomes of a tool that does not know an option.
func (c *call) refuses(f flavour, option string) result {
	tool := c.name()
	if f == busybox {
		tool = "BusyBox's wget"
	}
	c.cause(c.scene, "unknown-option", c.at, tool+" does not know the option "+shown(option))
	return result{status: fails}
}

// wget is what GNU's and BusyBox's wget do.
func (c *call) wget(p *program) result {
	f := p.flavour
	if f == ours {
		return c.asOurs("wget")
	}
	o := wgetSyntax.parse(c.args())
	if f == busybox {
		o = appletSyntax.parse(c.args())
	}
	if f != busybox && o.has("V", "version", "h", "help") {
		return result{status: passes, out: Unknown}
	}
	if o.strange != "" && !c.open {
		return c.refuses(f, o.strange)
	}
	if strange := c.unknown(p, wgetSyntax, o); strange != "" && !c.open {
		return c.refuses(f, strange)
	}
	urls := c.operands(o)
	if o.has("i", "input-file") && f != busybox {
		return unclear
	}
	if r, ok := c.plainUse(urls, o); !ok {
		return r
	}
	if file, ok := o.value("O", "output-document"); ok && !isStream(file) && c.writes(file).status == fails {
		return failsWith("1")
	}
	for _, u := range urls {
		parsed := parseURL(u)
		if why := parsed.wgets(u); why != "" && !c.open {
			return c.badURL(u, why)
		}
		if strings.ContainsAny(u, " \t\r\n") && f != plain {
			c.tell("bad-url", c.at, "wget asks "+shown(u)+" with the space in it, which servers refuse: write %20", nil)
		}
		c.askWeb("wget", parsed, o, wgetProbe)
		if parsed.host == "localhost" && parsed.scheme == "http" && f != plain {
			c.tell("localhost", c.at, "wget asks localhost, which may be ::1: ask 127.0.0.1 if the server listens on IPv4", c.replaceIn("localhost", "127.0.0.1", u))
		}
	}
	c.proxied(map[bool]string{true: "BusyBox's wget", false: "wget"}[f == busybox], urls, o)
	c.saves(f, urls, o)
	c.limit(o, "wget", "T", "timeout")
	out := ""
	file, _ := o.value("O", "output-document")
	if log, _ := o.value("o", "output-file", "a", "append-output"); isStream(file) || isStream(log) {
		out = Unknown
	}
	return result{status: c.asExpected(!c.open), out: out}
}

// saves tells of a file that wget saves at every check.
func (c *call) saves(f flavour, urls []string, o options) {
	if o.has("O", "output-document", "spider", "delete-after") {
		return
	}
	file := path.Base(parseURL(urls[0]).path)
	if file == "." || file == "/" || strings.HasSuffix(parseURL(urls[0]).path, "/") {
		file = "index.html"
	}
	message := "wget saves " + shown(file) + " at every check"
	if f == busybox && !o.has("c", "continue") {
		message = "wget saves " + shown(file) + ", and fails from the second check on, when it exists"
	}
	if c.container.ReadOnly {
		message = "wget cannot save " + shown(file) + ": the root file system is read-only"
	}
	c.tell("saves-file", c.at, message+": -O /dev/null saves nothing", c.insert("-O", "/dev/null"))
}

// askWeb notes what is asked.
func (c *call) askWeb(tool string, u webURL, o options, translate func(webURL, options) []string) {
	a := asked{arg: c.arg, offset: c.of(c.at), tool: c.name(), scheme: u.scheme, host: u.host, port: u.port, path: u.path}
	if left := strings.TrimLeft(u.path[max(0, len(u.path)-1):], "/"); left != "" && strings.Contains("\"',`“”", left) {
		c.tell("bad-url", c.at, tool+" asks for "+shown(u.path)+", whose end looks like a leftover", nil)
	}
	if isWeb(u) {
		a.port = ""
		if n := u.portNumber(); n > 0 {
			a.port = strconv.Itoa(n)
		}
		if isKnown(u.host+u.path+u.port) && isHere(u.host) {
			a.probe = translate(u, o)
		}
	}
	c.asks(a)
}

// proxied tells of a proxy that is asked instead of the container.
func (c *call) proxied(tool string, urls []string, o options) {
	if o.has("noproxy", "no-proxy", "x", "proxy") && tool != "wget" || o.has("no-proxy") {
		return
	}
	if y, ok := o.value("Y"); ok && y == "off" {
		return
	}
	for _, raw := range urls {
		u := parseURL(raw)
		name := u.scheme + "_proxy"
		proxy, set := c.lookup1(name)
		if !set && tool == "curl" {
			name = "all_proxy"
			proxy, set = c.lookup1(name)
		}
		if !set || proxy == "" || !isKnown(proxy) || !isWeb(u) || !isHere(u.host) || isHere(proxyHost(proxy)) {
			continue
		}
		avoided, _ := c.lookup1("no_proxy")
		upper, _ := c.lookup1("NO_PROXY")
		if tool != "BusyBox's wget" && (!isKnown(avoided+upper) || avoids(avoided, u.host) || tool == "curl" && avoids(upper, u.host)) {
			continue
		}
		message := tool + " asks the proxy of the variable " + name + " instead of the container"
		e := c.insert("--noproxy", "*")
		if tool == "BusyBox's wget" {
			message += ", whatever no_proxy says"
			e = c.insert("-Y", "off")
		} else if tool == "wget" {
			e = c.insert("--no-proxy")
		}
		c.tell("proxy", c.at, message, e)
		return
	}
}

// lookup1 returns a variable that a program gets.
func (c *call) lookup1(name string) (value string, set bool) {
	value = c.value(name)
	return value, value != unset
}

// needsFail tells of curl without -f, if nothing else looks at what the server answers.
func (c *call) needsFail(o options) {
	if !o.has("f", "fail", "fail-with-body", "w", "write-out") && !c.read {
		c.tell("curl-without-fail", c.at, "curl without -f succeeds when the server answers 500", c.insert("-f"))
	}
}

// asOurs is kohealth's probe under the name of curl or wget. It prints no body.
func (c *call) asOurs(tool string) result {
	if c.open || !isKnown(strings.Join(c.args(), " ")) {
		return result{status: either}
	}
	if tool == "curl" {
		c.needsFail(curlSyntax.parse(c.args()))
	}
	if c.read {
		c.cause(c.scene, "no-body", c.at, "kohealth's "+tool+" prints nothing, so what reads its output finds nothing: give the probe a target, with -body or -status")
	}
	cmd, _, err := probeargs.ParseAs(tool, c.args())
	if err != nil {
		c.cause(c.scene, "probe-arguments", c.at, "the probe does not understand its arguments: "+err.Error())
		return failsWith("1")
	}
	for _, t := range cmd.Targets {
		c.asks(asked{arg: c.arg, offset: c.of(c.at), tool: tool, scheme: t.Scheme, host: t.Host, port: strconv.Itoa(int(t.Port)), path: t.Path, probe: []string{t.String()}})
	}
	return result{status: c.asExpected(true)}
}
