package lint

// groupRules judge containers beside each other.
func groupRules() []Rule {
	return []Rule{
		{"depends-on-unchecked", Error, "A container waits for another to be healthy that has no check: it never starts.", srcECSDep, dependsOnUnchecked, onlyOn(onCompose, onECS)},
		{"depends-on-forever", Warning, "Without startTimeout on the container that is waited for, ECS waits for ever.", srcECSDep, dependsOnForever, onlyOn(onECS)},
		{"essential-unchecked", Warning, "A task is not healthy as long as an essential container has no check: its state is unknown.", srcECS, essentialUnchecked, onlyOn(onECS)},
		{"non-essential-only", Info, "Checks of containers that are not essential do not count for the task.", srcECS, nonEssentialOnly, onlyOn(onECS)},
	}
}

func dependsOnUnchecked(c *container) (found []problem) {
	for _, d := range c.DependsOn {
		target := c.named[d.Name]
		if target == nil || target.hasCheck() || c.Runtime == onCompose && target.Image == nil && (target.Check == nil || len(target.Check.Test) == 0) {
			continue
		}
		found = append(found, at(d.Pos, target.useProbe(), "%q has no check, so it is never healthy", d.Name)...)
	}
	return found
}

func dependsOnForever(c *container) []problem {
	if c.Runtime != onECS || !c.hasCheck() || c.StartTimeout || c.waiting[c.Name] == "" {
		return nil
	}
	return at(c.Pos, c.write("startTimeout", 120), "it has no startTimeout, so %q waits for it for ever", c.waiting[c.Name])
}

func essentialUnchecked(c *container) []problem {
	if c.Runtime != onECS || !c.Essential || c.Check != nil || c.Unclear || !c.checked || len(ecsIgnoresImage(c)) > 0 {
		return nil
	}
	return at(c.Pos, c.useProbe(), "it is essential and has no check, so the task's health stays unknown")
}

func nonEssentialOnly(c *container) []problem {
	if c.Runtime != onECS || c.Essential || !c.runs() || c.checked {
		return nil
	}
	return at(c.Check.Pos, c.write("essential", true), "only containers that are not essential have checks, which do not count")
}
