package lint

import (
	"context"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/judge"
)

// judgeRules are the judge's: whether the check can pass in its container.
func judgeRules() (rules []Rule) {
	for _, r := range judge.Rules() {
		check := func(c *container) []problem {
			if r.ID == "wrong-architecture" { // of the image, too
				if found := wrongArchitecture(c); found != nil {
					return found
				}
			}
			return c.judged(r)
		}
		rules = append(rules, Rule{r.ID, r.Severity, r.Doc, r.Source, check})
	}
	return rules
}

// judged returns what the judge has found by a rule.
func (c *container) judged(rule judge.Rule) (found []problem) {
	for _, v := range c.Verdicts {
		if v.Rule != rule.ID || isPasted(c) { // which is not the command that is meant
			continue
		}
		pos := c.Check.at(v.Arg)
		if rule.ID == "hidden-by-mount" {
			pos = c.mountAt(v, pos)
		}
		p := problem{Pos: pos, message: v.Message, fix: c.mended(v)}
		if p.fix == "" && v.Advice != "" {
			p.message += ": " + v.Advice
		}
		p.milder = max(0, rule.Severity-v.Severity)
		found = append(found, p)
	}
	return found
}

// ask has the check judged.
func (c *container) ask(ctx context.Context) error {
	if !c.runs() || c.Unclear || c.Image != nil && c.Image.Platform.OS != "linux" {
		return nil
	}
	found, err := judge.Judge(ctx, c.given(), c.judgedBy())
	c.Verdicts = found
	return err
}

// isClean reports whether nothing is found about a test, whatever is in the image.
func (c *container) isClean(test []string) bool {
	j := c.judgedBy()
	j.Files = nil // nothing is read
	if len(test) < 2 {
		return len(test) == 1 && test[0] == "NONE"
	}
	found, err := judge.Judge(context.Background(), judge.Check{Test: test, Timeout: c.timings().timeout}, j)
	return err == nil && !slices.ContainsFunc(found, func(v judge.Verdict) bool { return v.Severity > Info })
}

// given is the check as the runtime gets it.
func (c *container) given() judge.Check {
	check := judge.Check{Timeout: c.timings().timeout}
	for _, a := range c.Check.Test {
		text := a.Text
		if a.Open && text == "" {
			text = judge.Unknown
		}
		check.Test = append(check.Test, isTemplate.ReplaceAllString(text, judge.Unknown))
	}
	return check
}

// judgedBy is the container as the judge wants it.
func (c *container) judgedBy() judge.Container {
	j := judge.Container{Env: map[string]judge.Variable{}, EnvOpen: c.EnvOpen || c.Image == nil, UserOpen: true}
	if img := c.Image; img != nil {
		j = judge.OfImage(img.file)
		j.Files, j.Kohealth = img.files, img.Kohealth
		j.EnvOpen, j.MountsOpen, j.User, j.UserOpen = c.EnvOpen, c.MountsOpen, "", true
	}
	if c.Dir != "" {
		j.WorkingDir = c.Dir
	}
	j.ReadOnly = c.ReadOnly
	j.Command = c.starts()
	for name, value := range c.Env {
		j.Env[name] = judge.Variable{Value: value, Open: strings.Contains(value, composefile.Unknown)}
	}
	if user, ok := c.user(); ok && !isOpen(user) {
		j.User, j.UserOpen = user, false
	}
	for _, m := range c.Mounts {
		if dir, ok := m.Str(); ok {
			j.Mounts = append(j.Mounts, dir)
		}
	}
	j.Ports = c.appPorts()
	return j
}

// starts returns what starts in the container, entrypoint and arguments; nil is not known.
func (c *container) starts() []string {
	var entrypoint, command []string
	if c.Image != nil {
		entrypoint, command = c.Image.Config.Entrypoint, c.Image.Config.Cmd
	}
	switch {
	case c.Entrypoint.Open || c.Command.Open, c.Image == nil && !c.Entrypoint.Given:
		return nil
	case c.Entrypoint.Given: // then the image's arguments do not count
		entrypoint, command = c.Entrypoint.List, c.Command.List
	case c.Command.Given:
		command = c.Command.List
	}
	return slices.Concat(entrypoint, command)
}

// mountAt returns where the mount is written that a verdict is about.
func (c *container) mountAt(v judge.Verdict, pos doctree.Pos) doctree.Pos {
	for _, m := range c.Mounts {
		if dir, ok := m.Str(); ok && strings.Contains(v.Message, " "+dir+" ") {
			return m.At()
		}
	}
	return pos
}

// mended writes what to do about a verdict: the test that the judge has found nothing
// about, or else the same with kohealth's probe. It is nothing where that cannot be said.
func (c *container) mended(v judge.Verdict) string {
	switch {
	case v.Test != nil && !c.isTemplate():
		return c.command(v.Test)
	case c.Image == nil || c.isTemplate():
		return ""
	case v.Probe != nil:
		return c.withProbe(v.Probe)
	case c.Image.Kohealth && c.ownProbe():
		return c.command([]string{"CMD", health.ProbePath})
	}
	return ""
}

// isTemplate reports whether parts of the test are known only when the file is used.
func (c *container) isTemplate() bool {
	return slices.ContainsFunc(c.Check.Test, func(a arg) bool { return a.Open && a.Parts == nil || isTemplate.MatchString(a.Text) })
}

// ownProbe reports whether the image holds its probe's arguments, so that the probe needs
// none.
func (c *container) ownProbe() bool {
	return c.Image.Check != nil && len(c.Image.Check.Test) > 1 && c.Image.Check.Test[1] == health.ProbePath
}

// withProbe tells how to have an image whose probe checks a target, and the check that
// then goes into the file.
func (c *container) withProbe(args []string) string {
	if c.Image.Kohealth && c.ownProbe() && c.Style != dockerfile {
		return c.whole(append([]string{"CMD", health.ProbePath}, c.unlessOwn(args)...)...)
	}
	build := "kohealth base --health=" + targetWord(args) + " " + quote(c.Image.Ref) + "   # prints the image to name instead"
	if c.Image.Ko || c.Image.Kohealth {
		build = "kohealth build --health=" + targetWord(args) + " ./cmd/app   # in place of ko build: adds a probe"
	}
	if c.Style == dockerfile {
		return build
	}
	return build + "\n" + c.whole("CMD", health.ProbePath)
}

// unlessOwn returns arguments for the probe, or none if they are those that the image holds.
func (c *container) unlessOwn(args []string) []string {
	own := slices.DeleteFunc(slices.Clone(c.Image.Check.Test[2:]), func(arg string) bool {
		return strings.HasPrefix(arg, "-timeout=") || strings.HasPrefix(arg, "-log=")
	})
	if slices.Equal(own, args) {
		return nil
	}
	return args
}

// targetWord writes the probe's arguments for --health.
func targetWord(args []string) string {
	if len(args) == 1 {
		return quote(args[0])
	}
	return quote(encode(args))
}
