package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/oci"
)

// A healthFlag is a flag for one key of a health check. Its environment variable is
// KOHEALTH_ and its name in capitals.
type healthFlag struct {
	name, key, value, usage string
}

// shellKey is --health-cmd's: the key test, as a shell command.
const shellKey = "cmd"

func healthFlagTable() []healthFlag {
	return []healthFlag{
		{"health", health.KeyTest, "target", "what to check: http://:8080/healthz, tcp://:8080, unix:///run/app.sock, a JSON list (default " + health.DefaultTest + ")"},
		{"health-cmd", shellKey, "command", "shell command that checks, as docker's; needs a shell, such as busybox's"},
		{"health-interval", health.KeyInterval, "duration", "time between checks (default " + health.DefaultInterval.String() + ")"},
		{"health-timeout", health.KeyTimeout, "duration", "time after which a check has failed (default " + health.DefaultTimeout.String() + ")"},
		{"health-retries", health.KeyRetries, "count", fmt.Sprintf("failures in a row that make a container unhealthy (default %d)", health.DefaultRetries)},
		{"health-start-period", health.KeyStartPeriod, "duration", "time after the start in which failures do not count (default " + health.DefaultStartPeriod.String() + ")"},
		{"health-start-interval", health.KeyStartInterval, "duration", "time between checks in the start period (default " + health.DefaultStartEvery.String() + ")"},
		{"health-log", health.KeyLog, "", "a failing check also says why in the container's log (default true)"},
		{"health-tool", health.KeyTool, "tool", "what to check with: probe, or busybox, which brings a shell (default " + health.ToolProbe + ")"},
		{"health-package", health.KeyPackages, "name", "Wolfi package to add to the image: curl, curl=8.21.0-r2, curl~8.21 (may be repeated)"},
		{"health-repository", health.KeyRepositories, "url", "repository in place of Wolfi's: URL or directory above x86_64 (may be repeated)"},
		{"health-key", health.KeyKeys, "file", "PEM key to verify repositories with; prefix sha1: to accept SHA-1 signatures (may be repeated; Wolfi's is known)"},
		{"health-offline", health.KeyOffline, "", "use only cached packages; no network"},
		{"ignore", health.KeyIgnore, "rule", "lint rule to skip when the check is judged (may be repeated)"},
		{"no-healthcheck", health.KeyDisable, "", "build what ko builds, without a health check"},
	}
}

func (f healthFlag) variable() string { return variable(f.name) }

func variable(flag string) string {
	return "KOHEALTH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// healthFlags are the flags that kohealth adds to ko's.
type healthFlags struct {
	set    *pflag.FlagSet
	said   health.Settings // by flags
	format string
}

const formatFlag = "image-format"

func addHealthFlags(set *pflag.FlagSet) *healthFlags {
	hf := &healthFlags{set: set}
	for _, f := range healthFlagTable() {
		set.Var(&flagValue{f, &hf.said}, f.name, f.usage)
		if f.value == "" {
			set.Lookup(f.name).NoOptDefVal = "true"
		}
	}
	set.StringVar(&hf.format, formatFlag, "", "media types of the image: oci, or docker, which Podman needs (default the base image's)")
	return hf
}

// flagValue is a pflag.Value that says one key of settings.
type flagValue struct {
	healthFlag
	settings *health.Settings
}

func (v *flagValue) String() string { return "" }

func (v *flagValue) Type() string {
	if v.value == "" {
		return "bool"
	}
	return v.value
}

func (v *flagValue) Set(s string) error { return v.say(v.settings, s) }

func (f healthFlag) say(s *health.Settings, value string) error {
	if f.key == shellKey {
		return s.SetList(health.KeyTest, []string{"CMD-SHELL", value})
	}
	return s.Add(f.key, value)
}

// checks are the health checks of all import paths.
type checks struct {
	said   health.Settings // by flags and variables
	file   health.File
	format oci.Format
}

// checks reads what flags, variables and .ko.yaml say. Every error that can be found
// without building is found here.
func (hf *healthFlags) checks(dir string) (*checks, error) {
	if err := hf.conflict(); err != nil {
		return nil, err
	}
	warnUnknown()
	noteUnread(dir)
	env, format, err := readVariables()
	if err != nil {
		return nil, err
	}
	if hf.set.Changed(formatFlag) {
		format = hf.format
	}
	c := &checks{said: hf.said.Over(env)}
	if c.format, err = oci.ParseFormat(format); err != nil {
		return nil, err
	}
	if path := configFile(dir); path != "" {
		if c.file, err = health.ReadFile(path); err != nil {
			return nil, err
		}
		for _, typo := range c.file.Typos() {
			log.Printf("warning: %s:%d: there is no key %q; did you mean %q?", path, typo.Line, typo.Key, typo.Known)
		}
	}
	return c, c.checkIgnored()
}

// checkIgnored refuses names of rules that there are not.
func (c *checks) checkIgnored() error {
	if err := lint.CheckRules(c.said.Ignore); err != nil {
		return fmt.Errorf("reading --%s: %w", health.KeyIgnore, err)
	}
	for _, id := range append(c.file.Builds(), health.BuildID{}) {
		if err := lint.CheckRules(c.file.For(id).Ignore); err != nil {
			return fmt.Errorf("reading %s of .ko.yaml: %w", health.KeyIgnore, err)
		}
	}
	return nil
}

// conflict refuses flags that contradict each other, as docker does.
func (hf *healthFlags) conflict() error {
	if hf.set.Changed("health") && hf.set.Changed("health-cmd") {
		return errors.New("--health and --health-cmd exclude each other")
	}
	if hf.said.Disable == nil || !*hf.said.Disable {
		return nil
	}
	for _, f := range healthFlagTable() {
		if f.key != health.KeyDisable && f.key != health.KeyIgnore && hf.set.Changed(f.name) {
			return fmt.Errorf("--no-healthcheck and --%s exclude each other", f.name)
		}
	}
	return nil
}

// warnUnknown names the variables that were meant for kohealth and are none of its.
func warnUnknown() {
	known := []string{variable(formatFlag), variable(ecrFlag)}
	for _, f := range healthFlagTable() {
		known = append(known, f.variable())
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "KOHEALTH_") && !strings.HasPrefix(name, "KOHEALTH_TEST_") && !slices.Contains(known, name) {
			meant := "there are " + strings.Join(known, ", ")
			if near := health.Nearest(name, known); near != "" {
				meant = "did you mean " + near + "?"
			}
			log.Printf("warning: %s is not a variable of kohealth's; %s", name, meant)
		}
	}
}

func readVariables() (said health.Settings, format string, err error) {
	if os.Getenv(variable("health")) != "" && os.Getenv(variable("health-cmd")) != "" {
		return said, "", fmt.Errorf("%s and %s exclude each other", variable("health"), variable("health-cmd"))
	}
	for _, f := range healthFlagTable() {
		value := os.Getenv(f.variable())
		if value == "" {
			continue
		}
		if err := f.say(&said, value); err != nil {
			return said, "", fmt.Errorf("reading %s: %w", f.variable(), err)
		}
	}
	return said, os.Getenv(variable(formatFlag)), nil
}

// of returns what tells the check of an import path, which is matched to builds[] as
// ko has matched it.
func (c *checks) of(bo *options.BuildOptions) func(importpath string) (health.Check, error) {
	return func(importpath string) (health.Check, error) {
		settings := c.file.For(health.BuildID{})
		if b, ok := bo.BuildConfigs[importpath]; ok {
			settings = c.file.For(health.BuildID{ID: b.ID, Dir: b.Dir, Main: b.Main})
		}
		return c.said.Over(settings).Check()
	}
}
