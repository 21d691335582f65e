package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/quote"
)

// write writes a key of ECS's and its value as the container's file does.
func (c *container) write(key string, value any) string {
	if test, ok := value.([]string); ok && c.Style == composeYAML {
		value = c.asWritten(test)
	}
	if test, ok := value.([]string); ok && c.Kube != nil {
		value = c.kubeWords(test)
	}
	text := encode(value)
	if d, ok := value.(time.Duration); ok {
		text = d.String()
		if c.Runtime == onECS || c.Runtime == onKubernetes {
			text = fmt.Sprint(int(d / time.Second))
		}
	}
	switch c.Style {
	case hclStyle, hclSnake:
		text = inHCL(text)
	case copilotStyle:
		if _, ok := value.(time.Duration); ok {
			text += "s"
		}
	case nomadStyle:
		if test, ok := value.([]string); ok {
			return nomadCommand(test)
		}
		if d, ok := value.(time.Duration); ok {
			text = encode(d.String())
		}
	case runStyle, quadletStyle:
		if test, ok := value.([]string); ok {
			return c.runCommand(test)
		}
	}
	return c.Style.pair(key, text)
}

// pair writes a key of ECS's and the text of its value.
func (s style) pair(key, text string) string {
	switch s {
	case dockerfileStyle, runStyle, quadletStyle:
		return s.key(key) + "=" + text
	case hclStyle, hclSnake, nomadStyle:
		return s.key(key) + " = " + text
	}
	return s.key(key) + ": " + text
}

// key writes a key of ECS's.
func (s style) key(name string) string {
	pascal := strings.ToUpper(name[:1]) + name[1:]
	switch s {
	case camelJSON:
		return encode(name)
	case kubeJSON:
		return encode(kubeKey(name))
	case kubeYAML:
		return kubeKey(name)
	case pascalJSON:
		return encode(pascal)
	case pascalYAML:
		return pascal
	case composeYAML, koYAML:
		switch name {
		case "command":
			return "test"
		case "healthCheck":
			return "healthcheck"
		}
		return separated(name, '_')
	case dockerfileStyle:
		return "--" + separated(name, '-')
	case runStyle:
		return "--health-" + separated(name, '-')
	case quadletStyle:
		return "Health" + pascal
	case hclSnake:
		return separated(name, '_')
	case copilotStyle:
		if name == "healthCheck" {
			return "healthcheck"
		}
		return separated(name, '_')
	}
	return name
}

// runCommand writes a test for run, or for Quadlet. Docker's flag takes only what a shell
// runs, and what is run by itself has to have no spaces for Podman; then there is no word
// for it but the image's own check.
func (c *container) runCommand(test []string) string {
	words := test[1:]
	hasSpace := slices.ContainsFunc(words, func(word string) bool { return strings.ContainsAny(word, " \t\n") })
	switch {
	case len(words) == 0:
		return ""
	case c.Style == quadletStyle && test[0] == "CMD-SHELL":
		return "HealthCmd=" + strings.ReplaceAll(words[0], "%", "%%")
	case c.Style == quadletStyle && !hasSpace:
		return "HealthCmd=CMD " + strings.ReplaceAll(strings.Join(words, " "), "%", "%%")
	case test[0] == "CMD-SHELL":
		return "--health-cmd=" + quote.Shell(words[0])
	}
	return ""
}

// inHCL writes JSON as HCL: there, ${ and %{ begin what is replaced.
func inHCL(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text)
}

// kubeKey writes a key of ECS's as Kubernetes calls it.
func kubeKey(name string) string {
	switch name {
	case "interval":
		return "periodSeconds"
	case "timeout":
		return "timeoutSeconds"
	case "retries":
		return "failureThreshold"
	case "startPeriod":
		return "initialDelaySeconds"
	}
	return name
}

func encode(v any) string {
	return strings.ReplaceAll(quote.JSON(v), `","`, `", "`)
}

// separated writes startPeriod as start_period.
func separated(key string, sep rune) string {
	var b strings.Builder
	for _, r := range key {
		if unicode.IsUpper(r) {
			b.WriteRune(sep)
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// whole writes a whole check with the container's timings, or with good ones where it
// has none.
func (c *container) whole(test ...string) string {
	t := c.timings()
	if c.Check == nil || !c.Check.StartPeriod.Given {
		t.startPeriod = max(t.startPeriod, health.DefaultStartPeriod)
	}
	if c.Runtime == onECS {
		t = t.forECS()
	}
	if c.Runtime == onKubernetes {
		return c.wholeProbe(test, t)
	}
	parts := []string{c.write("interval", t.interval), c.write("timeout", t.timeout), c.write("retries", t.retries), c.write("startPeriod", t.startPeriod)}
	if c.Style == dockerfileStyle {
		command := "CMD " + encode(test[1:])
		if test[0] == "CMD-SHELL" {
			command = "CMD " + test[1]
		}
		return "HEALTHCHECK " + strings.Join(parts, " ") + " " + command
	}
	if c.Runtime == onRun || c.Runtime == onNomad {
		return c.lines(test, parts)
	}
	inside := strings.Join(append([]string{c.write("command", test)}, parts...), ", ")
	if c.Style == hclStyle || c.Style == hclSnake {
		inside = " " + inside + " " // as terraform fmt has it
	}
	return c.Style.pair("healthCheck", "{"+inside+"}")
}

// lines writes a check whose parts stand beside each other, and not in a value.
func (c *container) lines(test, parts []string) string {
	command, sep := c.write("command", test), "\n"
	switch c.Style {
	case nomadStyle:
		command, parts = nomadCommand(test), parts[:2] // check_restart has the others
	case runStyle:
		sep = " "
	}
	if command == "" {
		return ""
	}
	return strings.Join(append([]string{command}, parts...), sep)
}

// wholeProbe writes a probe of Kubernetes', or a hook.
func (c *container) wholeProbe(test []string, t timings) string {
	command := c.Style.key("exec") + ": {" + c.write("command", test) + "}"
	switch {
	case c.Probe == nil:
		parts := []string{command, c.write("interval", t.interval), c.write("timeout", t.timeout), c.write("retries", t.retries)}
		return c.Style.key("livenessProbe") + ": {" + strings.Join(parts, ", ") + "}"
	case c.Probe.Hook:
		return c.Style.key(c.Probe.Key) + ": {" + command + "}"
	}
	return c.Style.key(c.Probe.Key) + ": {" + strings.Join([]string{command, c.write("interval", t.interval), c.write("timeout", t.timeout), c.write("retries", t.retries)}, ", ") + "}"
}

// probePath returns where the container's probe is, if it has one.
func (c *container) probePath() string {
	if c.Image != nil {
		return health.ProbePathOn(c.Image.Platform.OS)
	}
	return health.ProbePathOn(c.platform().OS)
}

// isOurs reports whether kohealth has built the image, or may: it builds in place of ko.
func (c *container) isOurs() bool {
	return c.Style == koYAML || c.Image != nil && (c.Image.Ko || c.Image.Kohealth)
}

// useProbe tells how to have the container checked, which nothing does yet. It is nothing
// where it is not known what to ask.
func (c *container) useProbe() string {
	switch {
	case c.Image == nil:
		return ""
	case c.Image.Kohealth && c.ownProbe():
		return c.ifImagePasses(c.whole("CMD", c.probePath()))
	case c.isOurs():
		return c.withProbe([]string{health.DefaultTest})
	}
	if ports := c.appPorts(); len(ports) == 1 {
		return c.withProbe([]string{fmt.Sprintf("tcp://:%d", ports[0])})
	}
	return ""
}

// command writes a check's command.
func (c *container) command(test []string) string {
	if c.Style == dockerfileStyle {
		return c.whole(test...)
	}
	return c.write("command", test)
}

// timings are a check's numbers, defaults filled in.
type timings struct {
	interval, timeout, startPeriod time.Duration
	retries                        int
}

// forECS returns the numbers nearest to t that ECS takes; a fraction of a second counts
// as a whole one.
func (t timings) forECS() timings {
	limits := health.ECS()
	nearest := func(d time.Duration, r health.Range) time.Duration {
		return r.Nearest((d + time.Second - 1).Truncate(time.Second))
	}
	return timings{
		nearest(t.interval, limits.Interval), nearest(t.timeout, limits.Timeout), nearest(t.startPeriod, limits.StartPeriod),
		min(max(t.retries, 1), limits.MaxRetries),
	}
}

// timings fills in the runtime's defaults: moby's daemon/health.go and ECS's HealthCheck.
func (c *container) timings() timings {
	t := timings{interval: health.DockerInterval, timeout: health.DockerTimeout, retries: health.DockerRetries}
	switch {
	case c.Runtime == onECS:
		t.timeout = 5 * time.Second
	case c.Runtime == onKubernetes:
		t.interval, t.timeout = kubePeriod, kubeTimeout
	}
	if c.Check == nil {
		return t
	}
	fill := func(value *time.Duration, d duration) {
		if d.Given && d.Value >= time.Millisecond {
			*value = d.Value
		}
	}
	fill(&t.interval, c.Check.Interval)
	fill(&t.timeout, c.Check.Timeout)
	fill(&t.startPeriod, c.Check.StartPeriod)
	if c.Check.Retries.Given && c.Check.Retries.Value > 0 {
		t.retries = c.Check.Retries.Value
	}
	return t
}
