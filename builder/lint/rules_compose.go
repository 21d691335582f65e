package lint

import (
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
)

// composeRules judge what Compose makes of a check.
func composeRules() []Rule {
	const srcVariables = "https://docs.docker.com/reference/compose-file/interpolation/"
	return []Rule{
		{"compose-dollar", Warning, "Compose replaces $VAR in a test by its own value, which is not the container's; $$VAR is the container's.", srcVariables, composeDollar, onlyOn(onCompose)},
		{"unset-variable", Info, "Nothing sets a variable of Compose's, which puts nothing in its place.", srcVariables, unsetVariable, onlyOn(onCompose)},
		{"compose-none", Error, "A test that is the string NONE is a shell command of that name; the list [NONE] switches the check off.", srcCompose, composeNone, onlyOn(onCompose)},
		{"compose-start-interval", Error, "Compose refuses a start_interval without a start_period.", srcCompose, composeStartInterval, onlyOn(onCompose)},
	}
}

// variables visits the variables in the file's own test that Compose replaces.
func (c *container) variables(visit func(arg, composefile.Part)) {
	if c.Said == nil {
		return
	}
	for _, a := range c.Said.Test {
		for _, p := range a.Parts {
			if p.Name != "" {
				visit(a, p)
			}
		}
	}
}

func composeDollar(c *container) (found []problem) {
	if c.Said == nil {
		return nil
	}
	for _, a := range c.Said.Test {
		var messages []string
		for _, p := range a.Parts {
			if p.Name != "" && c.meansOther(p) {
				messages = append(messages, c.dollarMessage(p))
			}
		}
		if len(messages) > 0 {
			found = append(found, at(a.Pos, c.withDollars(a), "%s", strings.Join(messages, "; "))...)
		}
	}
	return found
}

// meansOther reports whether Compose's value of a variable is not the one that was meant:
// the container has another, or nothing but the test names the variable.
func (c *container) meansOther(p composefile.Part) bool {
	if strings.HasPrefix(p.Written, "${"+p.Name+"+") || strings.HasPrefix(p.Written, "${"+p.Name+":+") {
		return false
	}
	own, ok := c.environ(p.Name)
	switch {
	case ok && isOpen(own):
		return false
	case ok && p.Value == composefile.Unknown:
		return own != ""
	case ok:
		return own != p.Value
	}
	return p.Value == composefile.Unknown && c.Project.Uses(p.Name) <= c.group.testUses(p.Name)
}

// testUses returns in how many parts of tests a variable stands.
func (g *group) testUses(name string) (n int) {
	for _, c := range g.Containers {
		c.variables(func(_ arg, p composefile.Part) {
			if p.Name == name {
				n++
			}
		})
	}
	return n
}

func (c *container) dollarMessage(p composefile.Part) string {
	_, own := c.environ(p.Name)
	switch {
	case p.Value == composefile.Unknown && own:
		return "Compose replaces " + p.Written + ", which nothing sets for it, by nothing; the container's is written $" + p.Written
	case own:
		return "Compose replaces " + p.Written + " by its own value, which is not the container's; that is written $" + p.Written
	}
	return "nothing sets " + p.Name + ": Compose puts nothing in the place of " + p.Written
}

// withDollars writes an argument with the container's variables in the place of Compose's,
// where something replaces them in the container.
func (c *container) withDollars(a arg) string {
	if !c.Said.expands() {
		return ""
	}
	var b strings.Builder
	for _, p := range a.Parts {
		if p.Name != "" && c.meansOther(p) {
			if !c.maySet(p.Name) {
				return ""
			}
			b.WriteString("$")
		}
		b.WriteString(p.Written)
	}
	return encode(b.String())
}

// maySet reports whether a variable may be set in the container.
func (c *container) maySet(name string) bool {
	_, ok := c.environ(name)
	return ok || c.EnvOpen || c.Image == nil
}

func unsetVariable(c *container) (found []problem) {
	c.variables(func(a arg, p composefile.Part) {
		if p.Value == composefile.Unknown && !c.meansOther(p) {
			found = append(found, at(a.Pos, "", "nothing sets %s: Compose puts nothing in the place of %s", p.Name, p.Written)...)
		}
	})
	return slices.CompactFunc(found, func(a, b problem) bool { return a == b })
}

func composeNone(c *container) []problem {
	if strings.TrimSpace(c.Plain) != "NONE" {
		return nil
	}
	return at(c.Said.at(1), c.write("command", []string{"NONE"}), "NONE is run as a shell command: only a list switches the check off")
}

func composeStartInterval(c *container) []problem {
	if c.Runtime != onCompose || c.Fragment || c.Said == nil || !c.Said.StartInterval.Given || c.Said.StartPeriod.Pos != (doctree.Pos{}) {
		return nil
	}
	return at(c.Said.StartInterval.Pos, c.write("startPeriod", health.DefaultStartPeriod), "Compose refuses start_interval without start_period")
}
