package render

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/quote"
)

// A check is a health check with nothing left to defaults: the platforms have others
// than Docker.
type check struct {
	argv          []string // the exec form
	shell         string   // the shell form, where argv is nil
	interval      time.Duration
	timeout       time.Duration
	retries       int
	startPeriod   time.Duration
	startInterval time.Duration // 0 where the platform chooses, or there is no start period
}

func newCheck(c health.Config) (check, error) {
	out := check{
		interval: c.Interval, timeout: c.Timeout, retries: c.Retries,
		startPeriod: c.StartPeriod, startInterval: c.StartInterval,
	}
	if err := out.setTest(c.Test); err != nil {
		return check{}, fmt.Errorf("reading health check %s: %w", quote.JSON(c.Test), err)
	}
	if min(c.Interval, c.Timeout, c.StartPeriod, c.StartInterval) < 0 || c.Retries < 0 || c.Retries > math.MaxInt32 {
		return check{}, errors.New("reading health check: a number is negative or too large")
	}
	if out.interval == 0 {
		out.interval = health.DockerInterval
	}
	if out.timeout == 0 {
		out.timeout = health.DockerTimeout
	}
	if out.retries == 0 {
		out.retries = health.DockerRetries
	}
	if out.startPeriod == 0 {
		out.startInterval = 0
	}
	return out, nil
}

func (c *check) setTest(test []string) error {
	if slices.ContainsFunc(test, func(s string) bool { return strings.ContainsRune(s, 0) }) {
		return errors.New("it holds a NUL byte, which no program can be given")
	}
	if len(test) == 0 {
		return errors.New("it is empty")
	}
	args := test[1:]
	switch test[0] {
	case "NONE":
		return hint.With(errors.New("it switches the check off"), "there is nothing to render")
	case "CMD":
		if len(args) == 0 || args[0] == "" {
			return errors.New("CMD needs a program")
		}
		c.argv = slices.Clone(args)
		return nil
	case "CMD-SHELL":
		if len(args) != 1 || args[0] == "" {
			return errors.New("CMD-SHELL needs one command")
		}
		c.shell = args[0]
		return nil
	}
	return hint.With(errors.New("it begins with none of CMD, CMD-SHELL and NONE"), "Docker passes over such a check")
}

// command returns the check as Docker and ECS write it.
func (c check) command() []string {
	if c.argv == nil {
		return []string{"CMD-SHELL", c.shell}
	}
	return append([]string{"CMD"}, c.argv...)
}

// run returns the program and its arguments, for platforms that know no shell form.
// The shells are Docker's.
func (r *rendering) run() []string {
	switch {
	case r.argv != nil:
		return r.argv
	case r.Windows:
		return []string{"cmd", "/S", "/C", r.shell}
	}
	return []string{"/bin/sh", "-c", r.shell}
}

// A number is one of the check's durations, by its name in .ko.yaml.
type number struct {
	key   string
	value time.Duration
}

// duration writes a duration exactly, as one number and its unit.
func duration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d != 0 && d%u.size == 0 {
			return fmt.Sprintf("%d%s", d/u.size, u.name)
		}
	}
	if d == 0 {
		return "0s"
	}
	return fmt.Sprintf("%dns", d)
}

// refuse returns an error for what a platform cannot say, if there is something. source
// is where its limits are from.
func refuse(platform string, problems []string, source string) error {
	if len(problems) == 0 {
		return nil
	}
	return hint.With(fmt.Errorf("%s cannot say %s", platform, strings.Join(problems, "; ")),
		"change the check in .ko.yaml or with kohealth build's --health flags; "+source)
}
