package judge

import (
	"slices"
	"strings"
)

// applets are BusyBox's that take no long options, with the letters that take a value and,
// in refused, some that others of the name take. See TestBusyBoxOptions.
var applets = map[string]syntaxOf{
	"grep": {letters: "efmABC", refused: "PyTbZGuUV"}, "egrep": {letters: "efmABC", refused: "PyTbZGuUV"}, "fgrep": {letters: "efmABC", refused: "PyTbZGuUV"},
	"ps": {letters: "o", refused: "pCuUgGtHjN"}, "pidof": {letters: "o"}, "pgrep": {letters: "sP", refused: "cF"}, "pkill": {letters: "sP", refused: "cF"},
	"head": {letters: "nc"}, "tail": {letters: "nc"}, "wc": {}, "tr": {}, "uniq": {letters: "fsw"}, "cat": {}, "id": {}, "stat": {letters: "c"}, "netstat": {},
}

// refusedApplet tells of an option that a BusyBox applet refuses.
func (c *call) refusedApplet(p *program) bool {
	syntax, known := applets[p.tool]
	if p.flavour != busybox || p.Path == "" || !known || c.open {
		return false
	}
	o := syntax.parse(c.args())
	for _, g := range o.given {
		if len(g.name) > 1 && !slices.Contains([]string{"help", "version", "color"}, g.name) && o.strange == "" {
			o.strange = "--" + g.name
		}
	}
	if o.strange == "" || !isKnown(o.strange) {
		return false
	}
	c.cause(c.scene, "unknown-option", c.at, "BusyBox's "+p.tool+" does not know the option "+shown(o.strange))
	return true
}

// find looks for files below others, which have to be there.
func (c *call) findFiles(p *program) result {
	if c.open {
		return unclear
	}
	for i, a := range c.args() {
		if strings.HasPrefix(a, "-") || a == "(" || a == "!" {
			return c.finds(p, c.args()[i:])
		}
		if r := c.isThere(a); r.status == fails {
			return r
		}
	}
	return unclear
}

// finds looks at what find compares: BusyBox holds the names of what it knows.
func (c *call) finds(p *program, expression []string) result {
	for _, a := range expression {
		if p.flavour == busybox && p.Path != "" && (strings.HasPrefix(a, "-newer") || a == "-printf" || a == "-regextype") && !c.holds(p.Path, a+"\x00") {
			c.cause(c.scene, "unknown-option", c.at, "BusyBox's find does not know "+a)
			return failsWith("1")
		}
	}
	return unclear
}

// named looks for processes by their name.
func (c *call) named(p *program) result {
	o := syntaxOf{letters: "sPuUgGtFod", long: " "}.parse(c.args())
	names := c.operands(o)
	if p.tool == "pgrep" && o.has("f", "full") && len(names) == 1 && len(o.given) == 1 && !c.open {
		c.findsShell(names[0], options{given: []given{{name: "E"}}})
		return unclear
	}
	exactly := p.tool == "pidof" || p.tool == "killall" || o.has("x", "exact")
	if c.open || len(names) != 1 || !exactly || o.has("v", "q", "f") || !wordLike(names[0]) {
		return unclear
	}
	inCommand := slices.ContainsFunc(c.container.Command, func(a string) bool { return strings.Contains(a, names[0]) })
	if _, is := c.find(names[0]); is == no && !inCommand && len(c.container.Command) > 0 {
		c.tell("no-program", c.at, names[0]+", which "+p.tool+" looks for, is not in the image's PATH and does not start in the container", nil)
	}
	return unclear
}

func wordLike(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
