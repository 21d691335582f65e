package pipeline

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
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
)

// A HealthFlag is a flag for one key of a health check. Its environment variable is
// KOHEALTH_ and its name in capitals.
type HealthFlag struct {
	Name, Key, value, usage string
}

// shellKey is --health-cmd's: the key test, as a shell command.
const shellKey = "cmd"

// HealthFlagTable returns the flags that say something about a check, in the order of the
// help.
func HealthFlagTable() []HealthFlag {
	return []HealthFlag{
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

func (f HealthFlag) variable() string { return Variable(f.Name) }

// Variable returns the environment variable that says the same as a flag.
func Variable(flag string) string {
	return "KOHEALTH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// HealthFlags are the flags that kohealth adds to ko's.
type HealthFlags struct {
	set    *pflag.FlagSet
	Said   health.Settings // by flags
	format string
}

// FormatFlag names the flag for the media types of images.
const FormatFlag = "image-format"

// AddHealthFlags adds the flags of [HealthFlagTable] and [FormatFlag] to a set.
func AddHealthFlags(set *pflag.FlagSet) *HealthFlags {
	hf := &HealthFlags{set: set}
	for _, f := range HealthFlagTable() {
		set.Var(&flagValue{f, &hf.Said}, f.Name, f.usage)
		if f.value == "" {
			set.Lookup(f.Name).NoOptDefVal = "true"
		}
	}
	set.StringVar(&hf.format, FormatFlag, "", "media types of the image: oci, or docker, which Podman needs (default the base image's)")
	return hf
}

// flagValue is a pflag.Value that says one key of settings.
type flagValue struct {
	HealthFlag
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

func (f HealthFlag) say(s *health.Settings, value string) error {
	if f.Key == shellKey {
		return s.SetList(health.KeyTest, []string{"CMD-SHELL", value})
	}
	return s.Add(f.Key, value)
}

// checks are the health checks of all import paths.
type checks struct {
	said   health.Settings // by flags and variables
	file   health.File
	format oci.Format
}

// Checks reads what flags, variables and .ko.yaml say. Every error that can be found
// without building is found here.
func (hf *HealthFlags) Checks(dir string) (*checks, error) {
	if err := hf.Conflict(); err != nil {
		return nil, err
	}
	WarnUnknown()
	files.NoteUnread(dir)
	env, format, err := ReadVariables()
	if err != nil {
		return nil, err
	}
	if hf.set.Changed(FormatFlag) {
		format = hf.format
	}
	c := &checks{said: hf.Said.Over(env)}
	if c.format, err = oci.ParseFormat(format); err != nil {
		return nil, err
	}
	if path := files.ConfigFile(dir); path != "" {
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

// Conflict refuses flags that contradict each other, as docker does.
func (hf *HealthFlags) Conflict() error {
	if hf.set.Changed("health") && hf.set.Changed("health-cmd") {
		return errors.New("--health and --health-cmd exclude each other")
	}
	if hf.Said.Disable == nil || !*hf.Said.Disable {
		return nil
	}
	for _, f := range HealthFlagTable() {
		if f.Key != health.KeyDisable && f.Key != health.KeyIgnore && hf.set.Changed(f.Name) {
			return fmt.Errorf("--no-healthcheck and --%s exclude each other", f.Name)
		}
	}
	return nil
}

// WarnUnknown names the variables that were meant for kohealth and are none of its.
func WarnUnknown() {
	known := []string{Variable(FormatFlag), Variable(EcrFlag)}
	for _, f := range HealthFlagTable() {
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

// ReadVariables returns what the environment says in the place of the flags.
func ReadVariables() (said health.Settings, format string, err error) {
	if os.Getenv(Variable("health")) != "" && os.Getenv(Variable("health-cmd")) != "" {
		return said, "", fmt.Errorf("%s and %s exclude each other", Variable("health"), Variable("health-cmd"))
	}
	for _, f := range HealthFlagTable() {
		value := os.Getenv(f.variable())
		if value == "" {
			continue
		}
		if err := f.say(&said, value); err != nil {
			return said, "", fmt.Errorf("reading %s: %w", f.variable(), err)
		}
	}
	return said, os.Getenv(Variable(FormatFlag)), nil
}

// Of returns a function that returns the check of an import path. The path is matched to
// builds[] as ko has matched it.
func (c *checks) Of(bo *options.BuildOptions) func(importpath string) (health.Check, error) {
	return func(importpath string) (health.Check, error) {
		settings := c.file.For(health.BuildID{})
		if b, ok := bo.BuildConfigs[importpath]; ok {
			settings = c.file.For(health.BuildID{ID: b.ID, Dir: b.Dir, Main: b.Main})
		}
		return c.said.Over(settings).Check()
	}
}
