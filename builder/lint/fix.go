package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// A setting is a key of a check, as ECS calls it, with a value.
type setting struct {
	key   string
	value any // a time.Duration, an int or a []string
}

// write writes a setting as the container's file does.
func (c *container) write(s setting) string {
	value := encode(s.value)
	if d, ok := s.value.(time.Duration); ok {
		value = d.String()
		if c.Runtime == onECS {
			value = fmt.Sprint(int(d / time.Second))
		}
	}
	switch c.Style {
	case camelJSON:
		return encode(s.key) + ": " + value
	case pascalJSON:
		return encode(pascal(s.key)) + ": " + value
	case camelYAML:
		return s.key + ": " + value
	case pascalYAML:
		return pascal(s.key) + ": " + value
	case composeYAML:
		if s.key == "command" {
			s.key = "test"
		}
		return separated(s.key, '_') + ": " + value
	}
	return "--" + separated(s.key, '-') + "=" + value
}

func encode(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, numbers and lists of them always encode
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), `","`, `", "`)
}

func pascal(key string) string { return strings.ToUpper(key[:1]) + key[1:] }

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
	settings := []setting{{"interval", t.interval}, {"timeout", t.timeout}, {"retries", t.retries}, {"startPeriod", t.startPeriod}}
	var parts []string
	for _, s := range settings {
		parts = append(parts, c.write(s))
	}
	if c.Style == dockerfile {
		command := "CMD " + encode(test[1:])
		if test[0] == "CMD-SHELL" {
			command = "CMD " + test[1]
		}
		return "HEALTHCHECK " + strings.Join(parts, " ") + " " + command
	}
	key := strings.TrimSuffix(c.write(setting{"healthCheck", 0}), ": 0")
	if c.Style == composeYAML {
		key = "healthcheck"
	}
	return key + ": {" + strings.Join(append([]string{c.write(setting{"command", test})}, parts...), ", ") + "}"
}

// useProbe tells how to check with kohealth's probe what the command checks.
func (c *container) useProbe() string {
	const test = "CMD"
	if c.Image != nil && c.Image.Kohealth {
		return c.whole(test, health.ProbePath)
	}
	build := "kohealth build --health='" + c.target() + "' ./cmd/app   # in place of ko build: adds a probe"
	if c.Style == dockerfile {
		return build
	}
	return build + "\n" + c.whole(test, health.ProbePath)
}

// target returns the target of the probe that stands for what the command asks, or
// auto.
func (c *container) target() string {
	for _, call := range c.Command.Calls {
		cmd, known, err := cmdline.ParseAs(call.Name, call.Args)
		if known && err == nil && len(cmd.Targets) == 1 {
			return cmd.Targets[0].String()
		}
		if u, ok := call.url(); ok {
			scheme := u.scheme
			if scheme == "" {
				scheme = "http"
			}
			return fmt.Sprintf("%s://:%d%s", scheme, u.portNumber(), u.path)
		}
	}
	return health.DefaultTest
}

// timings are a check's numbers, defaults filled in.
type timings struct {
	interval, timeout, startPeriod time.Duration
	retries                        int
}

// timings fills in the runtime's defaults: moby's daemon/health.go and ECS's HealthCheck.
func (c *container) timings() timings {
	t := timings{interval: 30 * time.Second, timeout: 30 * time.Second, retries: 3}
	if c.Runtime == onECS {
		t.timeout = 5 * time.Second
	}
	if c.Check == nil {
		return t
	}
	fill := func(value *time.Duration, d duration) {
		if d.Given && d.Value > 0 {
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
