package lint

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/executable"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/quote"
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
		rules = append(rules, Rule{r.ID, r.Severity, r.Doc, r.Source, check, nil})
	}
	return rules
}

// judged returns what the judge has found by a rule.
func (c *container) judged(rule judge.Rule) (found []problem) {
	if c.Probe != nil && c.Probe.Hook && !slices.Contains(hookRules, rule.ID) || c.Probe == nil && isPasted(c) || len(composeNone(c)) > 0 || c.Kube == nil && c.kindInScript() != nil {
		return nil // in a file other than Kubernetes', it is not the command that is meant
	}
	for _, v := range c.Verdicts {
		if v.Rule != rule.ID || c.isReference(v) {
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
		severity := v.Severity
		if c.pathUnsure(v) || c.stage.runs() {
			severity = min(severity, Warning)
		}
		p.milder = max(0, rule.Severity-severity)
		if c.stage.runs() && v.Rule == "no-program" {
			p.message += ", and no RUN installs it by name"
		}
		found = append(found, p)
	}
	return found
}

// hookRules are the judge's rules for hooks: whether one can start. What it returns is
// hardly ever a verdict.
var hookRules = []string{"one-string", "needs-shell", "exec-redirect", "shell-parse", "bash-only", "no-shell", "no-program",
	"not-executable", "user-cannot-execute", "wrong-architecture", "missing-library", "hidden-by-mount"}

// isReference reports whether a verdict is about a word with $(NAME), which is not the
// shell's but Kubernetes' own.
func (c *container) isReference(v judge.Verdict) bool {
	return c.Kube != nil && v.Rule == "needs-shell" && v.Arg < len(c.Check.Test) && reference.MatchString(c.Check.Test[v.Arg].Text)
}

// pathUnsure reports whether a program that is not found may be in another PATH, which a
// config map sets.
func (c *container) pathUnsure(v judge.Verdict) bool {
	return c.Kube != nil && c.Kube.EnvOpen && v.Rule == "no-program" && strings.HasSuffix(v.Message, "PATH")
}

// ask has the check judged, and the image's own where that may be put in its place.
func (c *container) ask(ctx context.Context) error {
	if c.Unclear || !c.isLinux() {
		return nil
	}
	j := c.judgedBy()
	if c.runs() {
		found, err := judge.Judge(ctx, c.given(), j)
		if c.Verdicts = found; err != nil {
			return err
		}
	}
	if c.Image == nil || !c.Image.runs() || c.Check != nil && c.Check.OfImage {
		return nil
	}
	found, err := judge.Judge(ctx, judge.Check{Test: c.Image.ecsTest()}, j)
	c.imageFails = slices.ContainsFunc(found, func(v judge.Verdict) bool { return v.Severity > Info })
	return err
}

// ifImagePasses returns a fix that has the image's own check run, unless something is wrong
// with that, too.
func (c *container) ifImagePasses(fix string) string {
	if c.imageFails {
		return ""
	}
	return fix
}

// isLinux reports whether the container is one of Linux: of others the judge knows nothing.
func (c *container) isLinux() bool {
	if c.Image != nil {
		return c.Image.Platform.OS == "linux"
	}
	return c.platform().OS != "windows"
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
	if c.Probe != nil && c.Probe.Hook { // it has the time that the pod has to end, or none that is set
		check.Timeout = 0
	}
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
		j.EnvOpen, j.User, j.UserOpen = c.EnvOpen, "", true
	}
	if c.Dir != "" {
		j.WorkingDir = c.Dir
	}
	j.ReadOnly, j.MountsOpen = c.ReadOnly, c.MountsOpen
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
	if _, ok := j.Env["PATH"]; !ok && c.Kube != nil && c.Image != nil {
		j.Env["PATH"] = judge.Variable{Value: executable.DefaultPath} // containerd and CRI-O set it, too
	}
	j.Ports, j.Added = c.appPorts(), c.Added
	j.Kohealth = j.Kohealth || c.Style == koYAML
	c.stage.adds(&j)
	return j
}

// starts returns what starts in the container, entrypoint and arguments; nil is not known.
func (c *container) starts() []string {
	if c.Kube != nil {
		if words := c.kubeStarts(); words != nil {
			return words
		}
	}
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
	case c.Style == koYAML && v.Probe != nil && !c.isTemplate():
		return c.write("command", v.Probe)
	case c.Image == nil || c.isTemplate():
		return ""
	case v.Probe != nil:
		return c.withProbe(v.Probe)
	case c.Image.Kohealth && c.ownProbe() && !c.Check.OfImage:
		return c.ifImagePasses(c.command([]string{"CMD", c.probePath()}))
	}
	return ""
}

// isTemplate reports whether parts of the test are known only when the file is used, or are
// written in other words than they are known by.
func (c *container) isTemplate() bool {
	return slices.ContainsFunc(c.Check.Test, func(a arg) bool { return a.Open && a.Parts == nil || a.Made || isTemplate.MatchString(a.Text) })
}

// ownProbe reports whether the image holds its probe's arguments, so that the probe needs
// none.
func (c *container) ownProbe() bool {
	return c.Image.Check != nil && len(c.Image.Check.Test) > 1 && c.Image.Check.Test[1] == c.probePath()
}

// withProbe tells how to have an image whose probe checks a target, and the check that
// then goes into the file.
func (c *container) withProbe(args []string) string {
	if c.hidesProbe() {
		return ""
	}
	if c.Image.Kohealth && c.ownProbe() && c.Runtime != onDocker {
		return c.whole(append([]string{"CMD", c.probePath()}, c.unlessOwn(args)...)...)
	}
	build := "kohealth base --health=" + targetWord(args) + " " + quote.Shell(c.Image.orStatic()) + "   # prints the image to name instead"
	if c.isOurs() {
		build = "kohealth build --health=" + targetWord(args) + " ./cmd/app   # in place of ko build: adds a probe"
	}
	if c.Runtime == onDocker {
		return build
	}
	whole := c.whole("CMD", c.probePath())
	if whole == "" {
		return build + ", without --health-cmd"
	}
	return build + "\n" + whole
}

// hidesProbe reports whether something is mounted over where a probe is, or would be.
func (c *container) hidesProbe() bool {
	return slices.ContainsFunc(c.Mounts, func(m *doctree.Node) bool {
		dir, ok := m.Str()
		return ok && dir != "" && strings.HasPrefix(c.probePath()+"/", path.Clean(dir)+"/")
	})
}

// orStatic returns the image's name, or, where that is no image, that of the base inside
// kohealth, which has no programs either.
func (i *image) orStatic() string {
	if i.Ref == scratch {
		return "kohealth.local/static" // layers.StaticHost, which lint does not depend on
	}
	return i.Ref
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
		return quote.Shell(args[0])
	}
	return quote.Shell(encode(args))
}
