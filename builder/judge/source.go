package judge

import (
	"archive/tar"
	"strings"
)

// eval runs its arguments as a script, in the shell that there is.
func (c *call) eval() result {
	text := strings.Join(c.args(), " ")
	if c.open || !isKnown(text) {
		return c.anything()
	}
	if c.depth > maxDepth {
		return unclear
	}
	return c.here(text)
}

// here runs a script in the shell that there is.
func (c *call) here(text string) result {
	outer, at := c.script, c.place
	c.depth++
	c.place = place{c.arg, c.of(c.at), true}
	c.script = parse(text, c.dialect)
	r := c.list(c.script.stmts, c.scene)
	if w := c.script.wrong; w != nil && r.status != 0 {
		c.exits = c.exits.or(c.syntaxError(w, c.scene))
		r = result{status: either}
	}
	c.depth--
	c.script, c.place = outer, at
	return r
}

// source runs a file in the shell that there is.
func (c *call) source() result {
	if c.open || len(c.args()) == 0 || c.depth > maxDepth || c.dialect == anyShell {
		return c.anything()
	}
	name := c.args()[0]
	if !strings.Contains(name, "/") {
		return c.sourcePath(name)
	}
	e, is := c.exists(name)
	if is == no {
		return c.notSourced(name)
	}
	if full := c.absolute(name); is == perhaps && c.hardly == "" && full != Unknown && !c.isChanging(full) {
		e, _ = c.lookup(full)
	}
	c.guessed(no, c.scene, c.at)
	if e.Type != tar.TypeReg || e.Path == "" {
		return c.anything()
	}
	c.calls++ // which return leaves
	r := c.here(c.readFile(e.Path))
	c.calls--
	if returned, ok := c.jumps["return"]; ok && c.calls == 0 {
		delete(c.jumps, "return")
		r = r.or(returned)
	}
	return r
}

// sourcePath looks for a file in PATH, as all shells do, and in the working directory, where
// dash does not look.
func (c *call) sourcePath(name string) result {
	if _, is := c.find(name); is == no && c.dialect == dash {
		return c.notSourced(name)
	} else if is == no && c.dialect == ash {
		c.tell("no-file", c.at, name+" is looked for in PATH: write ./"+name+" for the one in the working directory", nil)
	}
	return c.anything()
}

// notSourced is what becomes of a script that wants a file that is not there.
func (c *call) notSourced(name string) result {
	c.cause(c.scene, "no-file", c.at, name+" is not in the image")
	c.exits = c.exits.or(failsWith("2"))
	if c.dialect == bash { // which ends as sh only
		return failsWith("1")
	}
	return result{}
}
