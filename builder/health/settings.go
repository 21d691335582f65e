package health

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// The keys of a health check, Compose's own where Compose has one.
const (
	KeyTest          = "test"
	KeyInterval      = "interval"
	KeyTimeout       = "timeout"
	KeyRetries       = "retries"
	KeyStartPeriod   = "start_period"
	KeyStartInterval = "start_interval"
	KeyTool          = "tool"
	KeyPackages      = "packages"
	KeyRepositories  = "repositories"
	KeyKeys          = "keys"
	KeyOffline       = "offline"
	KeyLog           = "log"
	KeyIgnore        = "ignore"
	KeyDisable       = "disable"
)

// keys returns all keys in the order in which they are documented.
func keys() []string {
	return []string{KeyTest, KeyInterval, KeyTimeout, KeyRetries, KeyStartPeriod, KeyStartInterval,
		KeyTool, KeyPackages, KeyRepositories, KeyKeys, KeyOffline, KeyLog, KeyIgnore, KeyDisable}
}

// Values of the key tool.
const (
	ToolProbe   = "probe"
	ToolBusybox = "busybox"
)

// Settings are what one place says about a health check. A nil field is not said
// there.
type Settings struct {
	Test          *Test
	Interval      *time.Duration
	Timeout       *time.Duration
	Retries       *int
	StartPeriod   *time.Duration
	StartInterval *time.Duration
	Tool          *string
	Packages      []string
	Repositories  []string
	Keys          []string
	Offline       *bool
	Log           *bool
	Ignore        []string // rules of package judge's that are passed over
	Disable       *bool
}

// Over returns s where it says something, and below elsewhere, key by key. A test
// of s switches the check on again if below disables it.
func (s Settings) Over(below Settings) Settings {
	if s.Test != nil && s.Disable == nil {
		below.Disable = nil
	}
	return Settings{
		Test:          first(s.Test, below.Test),
		Interval:      first(s.Interval, below.Interval),
		Timeout:       first(s.Timeout, below.Timeout),
		Retries:       first(s.Retries, below.Retries),
		StartPeriod:   first(s.StartPeriod, below.StartPeriod),
		StartInterval: first(s.StartInterval, below.StartInterval),
		Tool:          first(s.Tool, below.Tool),
		Packages:      firstList(s.Packages, below.Packages),
		Repositories:  firstList(s.Repositories, below.Repositories),
		Keys:          firstList(s.Keys, below.Keys),
		Offline:       first(s.Offline, below.Offline),
		Log:           first(s.Log, below.Log),
		Ignore:        firstList(s.Ignore, below.Ignore),
		Disable:       first(s.Disable, below.Disable),
	}
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func firstList(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

// list returns the field of a key whose value is a list of names, or nil.
func (s *Settings) list(key string) *[]string {
	return map[string]*[]string{KeyPackages: &s.Packages, KeyRepositories: &s.Repositories, KeyKeys: &s.Keys, KeyIgnore: &s.Ignore}[key]
}

// Add appends names, separated by commas, to a key whose value is a list of names.
// Other keys it sets.
func (s *Settings) Add(key, value string) error {
	field := s.list(key)
	if field == nil {
		return s.Set(key, value)
	}
	said := *field
	err := s.Set(key, value)
	*field = append(said, *field...)
	return err
}

// Set sets one key from its text, as flags, environment variables and YAML scalars
// hold it. Names in a list are separated by commas.
func (s *Settings) Set(key, value string) error {
	switch key {
	case KeyTest:
		return set(&s.Test, key, value, ParseTest)
	case KeyInterval:
		return set(&s.Interval, key, value, positive)
	case KeyTimeout:
		return set(&s.Timeout, key, value, positive)
	case KeyRetries:
		return set(&s.Retries, key, value, parseRetries)
	case KeyStartPeriod:
		return set(&s.StartPeriod, key, value, parseDuration)
	case KeyStartInterval:
		return set(&s.StartInterval, key, value, positive)
	case KeyTool:
		return set(&s.Tool, key, value, parseTool)
	case KeyPackages, KeyRepositories, KeyKeys, KeyIgnore:
		return s.SetList(key, strings.Split(value, ","))
	case KeyOffline:
		return set(&s.Offline, key, value, parseBool)
	case KeyLog:
		return set(&s.Log, key, value, parseBool)
	case KeyDisable:
		return set(&s.Disable, key, value, parseBool)
	}
	return unknownKey(key)
}

// SetList sets a key whose value is a list: test, packages, repositories or keys.
func (s *Settings) SetList(key string, list []string) error {
	switch key {
	case KeyTest:
		t, err := ParseTestList(list)
		if err != nil {
			return err
		}
		s.Test = &t
		return nil
	}
	if field := s.list(key); field != nil {
		if slices.ContainsFunc(list, func(p string) bool { return strings.TrimSpace(p) == "" }) {
			return fmt.Errorf("parsing %s: a name is empty", key)
		}
		*field = slices.Clone(list)
		return nil
	}
	if !slices.Contains(keys(), key) {
		return unknownKey(key)
	}
	return fmt.Errorf("parsing %s: want one value, not a list", key)
}

func set[T any](field **T, key, value string, parse func(string) (T, error)) error {
	v, err := parse(value)
	if err != nil {
		if key == KeyTest {
			return err
		}
		return fmt.Errorf("parsing %s %q: %w", key, value, err)
	}
	*field = &v
	return nil
}

func unknownKey(key string) error {
	err := fmt.Errorf("unknown key %q in healthcheck", key)
	if slices.Contains(keys(), strings.ToLower(key)) {
		return hint.With(err, fmt.Sprintf("keys are in lower case: write %q", strings.ToLower(key)))
	}
	if near := Nearest(key, keys()); near != "" {
		return hint.With(err, fmt.Sprintf("did you mean %q?", near))
	}
	return hint.With(err, "the keys are "+strings.Join(keys(), ", "))
}

var durationSyntax = regexp.MustCompile(`^(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$`)

// parseDuration parses a duration that Docker can hold: zero, or at least 1 ms, in
// 64 bits of nanoseconds.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && durationSyntax.MatchString(s):
		return 0, errors.New("longer than Docker can hold (292 years)")
	case err != nil && isDigits(s):
		return 0, hint.With(errors.New("a duration needs a unit"), fmt.Sprintf("write %ss for seconds", s))
	case err != nil:
		return 0, errors.New("want a duration such as 10s, 1m30s or 500ms")
	case d < 0:
		return 0, errors.New("a duration cannot be negative")
	case d > 0 && d < minDuration:
		return 0, errors.New("shorter than 1ms, the least that Docker takes")
	}
	return d, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func positive(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err == nil && d == 0 {
		return 0, errors.New("want at least 1ms")
	}
	return d, err
}

func parseRetries(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	switch {
	case err != nil:
		return 0, errors.New("want a whole number")
	case n < 1:
		return 0, errors.New("want at least 1: failures in a row that make a container unhealthy")
	}
	return int(n), nil
}

func parseBool(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		err = errors.New("want true or false")
	}
	return b, err
}

func parseTool(s string) (string, error) {
	if s != ToolProbe && s != ToolBusybox {
		return "", fmt.Errorf("want %s or %s", ToolProbe, ToolBusybox)
	}
	return s, nil
}
