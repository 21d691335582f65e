package judge

import (
	"slices"
	"strings"
)

// set sets options, and the positional parameters.
func (c *call) set() result {
	args := c.args()
	if c.open {
		c.errexit, c.nounset, c.pipefail, c.argsOpen = perhaps, perhaps, perhaps, true
		return result{status: either}
	}
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--" || !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+"):
			if a == "--" {
				i++
			}
			c.shell.args, c.argsOpen = slices.Clone(args[i:]), false
			return succeeds
		case strings.HasSuffix(a, "o") && i+1 < len(args):
			c.setFlags(a[:len(a)-1])
			i++
			if !c.setOption(args[i], a[0] == '-') {
				return c.illegalOption(args[i])
			}
		case strings.Trim(a, "+-abCefhimnopqrstuvxBEHPTVIkcl") != "" && (c.dialect == dash || c.dialect == ash):
			c.cause(c.scene, "shell-parse", c.at, "set "+shown(a)+" is not "+c.dialect.String()+"'s, which is the shell here: it ends with status 2")
			c.exits = c.exits.or(failsWith("2"))
			return result{}
		default:
			c.setFlags(a)
		}
	}
	return succeeds
}

// illegalOption is what dash makes of set -o pipefail: a special built-in command that
// fails ends the shell.
func (c *call) illegalOption(name string) result {
	if c.dialect != dash {
		return result{status: either}
	}
	c.cause(c.scene, "bash-only", c.at, "set -o "+name+" is not dash's, which is the shell here: it ends with status 2")
	c.exits = c.exits.or(failsWith("2"))
	return result{}
}

// setOption sets an option by its long name; ok is false if the shell has none such.
func (sh *shell) setOption(name string, on bool) (ok bool) {
	value := no
	if on {
		value = yes
	}
	switch name {
	case "errexit":
		sh.errexit = value
	case "nounset":
		sh.nounset = value
	case "pipefail":
		if sh.dialect == dash && !sh.holds(sh.shellPath, "pipefail") { // POSIX has it since 2024
			return false
		}
		if sh.dialect == anyShell && value == yes { // or else it has ended
			sh.exits = sh.exits.or(failsWith("2"))
		}
		sh.pipefail = value
	case "allexport":
		sh.exportsAll = true
	case "posix":
		return sh.dialect != dash
	default:
		return slices.Contains([]string{"noglob", "ignoreeof", "interactive", "monitor", "noexec", "stdin", "xtrace", "verbose",
			"vi", "emacs", "noclobber", "notify", "nolog", "debug"}, name)
	}
	return true
}

// setFlags sets options by their letters, as in -eu.
func (sh *shell) setFlags(flags string) {
	value := yes
	if strings.HasPrefix(flags, "+") {
		value = no
	}
	for _, f := range flags {
		switch f {
		case 'e':
			sh.errexit = value
		case 'a':
			sh.exportsAll = true
		case 'u':
			sh.nounset = value
		case 'n':
			sh.exits = sh.exits.or(succeeds)
		}
	}
}
