package judge

import "slices"

// su runs a command as another user.
func (c *call) su() result {
	o := syntaxOf{letters: "csgG", long: " command shell group supp-group "}.parse(c.args())
	users := slices.DeleteFunc(c.operands(o), func(a string) bool { return a == "-" })
	if c.open || len(users) != 1 || !isKnown(users[0]) {
		return unclear
	}
	accounts := c.readFile("/etc/passwd")
	if _, _, ok := findAccount(accounts, users[0]); accounts != "" && (!ok || syntaxDigits(users[0])) && !c.container.isAdded("/etc/passwd") && c.container.mountOver("/etc/passwd") == "" {
		c.cause(c.scene, "no-file", c.at, "the image's /etc/passwd holds no user "+shown(users[0]))
		return result{status: fails}
	}
	command, given := o.value("c", "command")
	if !given || !isKnown(command) {
		return unclear
	}
	inner := c.shifted(0)
	inner.words = []string{"sh"}
	d := anyShell
	if sh, ok := c.lookup("/bin/sh"); ok && !o.has("s", "shell") {
		d = c.dialectOf(&program{Entry: sh, tool: "sh"})
	}
	r := c.nestedScript(d, command, inner, "", &program{})
	r.status |= fails // it may ask for a password, and the shell be another
	return r
}
