package health

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Defaults of a check. They fit ECS's ranges.
const (
	DefaultTest        = "auto"
	DefaultInterval    = 10 * time.Second
	DefaultTimeout     = 3 * time.Second
	DefaultRetries     = 3
	DefaultStartPeriod = 10 * time.Second
	DefaultStartEvery  = time.Second // StartInterval
)

// minDuration is the smallest duration that Docker takes, moby's
// container.MinimumDuration.
const minDuration = time.Millisecond

// A Check is a health check with nothing left open.
type Check struct {
	Test          Test
	Interval      time.Duration // between checks
	Timeout       time.Duration // after which the runtime kills a check
	Retries       int           // failures in a row that make a container unhealthy
	StartPeriod   time.Duration // in which failures do not count; 0 is none
	StartInterval time.Duration // between checks in the start period; 0 is the runtime's choice
	Log           bool          // a failing check also says why in the container's log
	Chosen        bool          // the user has said something; false means that all are defaults
	TestChosen    bool          // the user has said what to test
	Disabled      bool          // the image stays as ko makes it
	Tool          string        // ToolProbe or ToolBusybox
	Packages      []string      // that the image gets beside the tool
	Repositories  []string      // where packages come from; none means Wolfi's
	Keys          []string      // files of keys that repositories are signed with
	Offline       bool          // packages come from the cache
	Ignore        []string      // rules of package judge's that are passed over
}

// Check fills what the settings leave open with defaults and validates the whole.
func (s Settings) Check() (Check, error) {
	if s.Disable != nil && *s.Disable {
		return Check{Disabled: true}, nil
	}
	c := Check{
		Interval:      or(s.Interval, DefaultInterval),
		Timeout:       or(s.Timeout, DefaultTimeout),
		Retries:       or(s.Retries, DefaultRetries),
		StartPeriod:   or(s.StartPeriod, DefaultStartPeriod),
		StartInterval: or(s.StartInterval, DefaultStartEvery),
		Log:           or(s.Log, true),
		Chosen:        s.chosen(),
		TestChosen:    s.Test != nil,
		Tool:          or(s.Tool, ToolProbe),
		Packages:      s.Packages,
		Repositories:  s.Repositories,
		Keys:          s.Keys,
		Offline:       or(s.Offline, false),
		Ignore:        s.Ignore,
	}
	if c.StartPeriod == 0 && s.StartInterval == nil {
		c.StartInterval = 0 // it acts in the start period only
	}
	if s.Test != nil {
		c.Test = *s.Test
	} else {
		c.Test = Test{Probe, []string{DefaultTest}}
	}
	return c, nil
}

// chosen reports whether anything is said about the check. Where packages come from says
// nothing about it.
func (s Settings) chosen() bool {
	s.Repositories, s.Keys, s.Offline, s.Ignore = nil, nil, nil, nil
	return !reflect.DeepEqual(s, Settings{})
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// busyboxPackage is Wolfi's busybox in one static file. The others are named here because
// they make it superfluous.
const busyboxPackage = "busybox-static"

// AllPackages returns the packages that the image gets, the tool's among them.
func (c Check) AllPackages() []string {
	isBusybox := func(p string) bool {
		name := strings.FieldsFunc(p, func(r rune) bool { return strings.ContainsRune("=<>~", r) })
		return len(name) > 0 && slices.Contains([]string{busyboxPackage, "busybox", "busybox-full"}, name[0])
	}
	if c.Tool != ToolBusybox || slices.ContainsFunc(c.Packages, isBusybox) {
		return c.Packages
	}
	return append([]string{busyboxPackage}, c.Packages...)
}

// UsesProbe reports whether the image needs the probe: for the check itself, or because
// the busybox tool lacks what the probe does.
func (c Check) UsesProbe() bool {
	return c.Test.Kind != None && (c.Tool == ToolBusybox || c.Test.UsesProbe())
}

// NeedsTLS reports whether the probe that the image needs is one with TLS. What becomes of
// a command is for its shell to say, so its text decides.
func (c Check) NeedsTLS() bool {
	return c.Test.NeedsTLS() || c.UsesProbe() && c.Test.Kind != Probe && c.Test.namesTLS()
}

// Warnings returns what is allowed but hardly meant, a line each.
func (c Check) Warnings() []string {
	if c.Test.Kind == None {
		return nil
	}
	var w []string
	if c.Timeout > c.Interval {
		w = append(w, fmt.Sprintf("health check: timeout %s is longer than interval %s", c.Timeout, c.Interval))
	}
	if c.StartInterval > 0 && c.StartPeriod == 0 {
		w = append(w, "health check: start_interval has no effect without start_period")
	}
	if !c.Log && !c.UsesProbe() {
		w = append(w, "health check: log has no effect on a program of the image's own, only on the probe")
	}
	if own := c.ownTimeout(); own >= c.Timeout && own > 0 {
		w = append(w, fmt.Sprintf("health check: the probe's -timeout %s is not shorter than timeout %s, so the runtime may kill it before it says why", own, c.Timeout))
	}
	return w
}

// ownTimeout is the -timeout among the probe's arguments, or 0.
func (c Check) ownTimeout() time.Duration {
	if c.Test.Kind != Probe {
		return 0
	}
	cmd, err := probeargs.Parse(c.Test.Args, anyValue)
	if err != nil {
		return 0 // a Test of ParseTest parses
	}
	return cmd.Timeout
}

// probeArgs returns the whole command line of the probe, or nil if the check is
// not the probe's: the user's arguments, and before them a total timeout a little
// shorter than the check's, so that the runtime does not kill the probe before it
// has said what is wrong.
func (c Check) probeArgs() []string {
	if c.Test.Kind != Probe {
		return nil
	}
	var args []string
	if c.ownTimeout() == 0 {
		args = append(args, "-timeout="+(c.Timeout-min(c.Timeout/10, 500*time.Millisecond)).String())
	}
	if !c.Log {
		args = append(args, "-log=false")
	}
	return append(args, c.Test.Args...)
}

// FileArgs returns what the file of the probe's arguments holds: its whole command line
// or, for a probe that a shell command may call as curl or wget, what these names have no
// option for. An empty file is none.
func (c Check) FileArgs() []string {
	if c.Test.Kind != Probe && c.UsesProbe() && !c.Log {
		return []string{"-log=false"}
	}
	return c.probeArgs()
}

// A Config is the Healthcheck of an image's config. Durations are nanoseconds, and
// nothing in it is left to a runtime's default.
//
// https://github.com/moby/docker-image-spec
type Config struct {
	Test          []string      `json:",omitempty"`
	Interval      time.Duration `json:",omitempty"`
	Timeout       time.Duration `json:",omitempty"`
	StartPeriod   time.Duration `json:",omitempty"`
	StartInterval time.Duration `json:",omitempty"`
	Retries       int           `json:",omitempty"`
}

// Config returns the check in the form that configs of images for Linux hold.
func (c Check) Config() Config { return c.ConfigOn("linux") }

// ConfigOn is Config for an operating system: it says where the probe is.
func (c Check) ConfigOn(os string) Config {
	if c.Test.Kind == None {
		return Config{Test: []string{"NONE"}}
	}
	return Config{
		Test:          c.command(ProbePathOn(os)),
		Interval:      c.Interval,
		Timeout:       c.Timeout,
		StartPeriod:   c.StartPeriod,
		StartInterval: c.StartInterval,
		Retries:       c.Retries,
	}
}

// Check returns the check that c is the form of, with Docker's own defaults for what
// c leaves open.
func (c Config) Check() (Check, error) {
	test, err := ParseTestList(c.Test)
	return Check{
		Test:          test,
		Interval:      cmp.Or(c.Interval, DockerInterval),
		Timeout:       cmp.Or(c.Timeout, DockerTimeout),
		Retries:       cmp.Or(c.Retries, DockerRetries),
		StartPeriod:   c.StartPeriod,
		StartInterval: c.StartInterval,
		Log:           true, // or the test says otherwise
		Chosen:        true,
		TestChosen:    true,
		Tool:          ToolProbe,
	}, err
}

func (c Check) command(probe string) []string {
	switch c.Test.Kind {
	case Probe:
		return append([]string{"CMD", probe}, c.probeArgs()...)
	case Shell:
		return append([]string{"CMD-SHELL"}, c.Test.Args...)
	default:
		return append([]string{"CMD"}, slices.Clone(c.Test.Args)...)
	}
}

// String describes the check for people: "http://:8080/healthz every 10s".
func (c Check) String() string {
	switch {
	case c.Disabled:
		return "disabled"
	case c.Test.Kind == None:
		return "switched off"
	}
	return fmt.Sprintf("%s every %s", c.Test, c.Interval)
}
