package why

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/quote"
)

// An Evidence is a fact, and the container that it is about.
type Evidence struct {
	Time      *time.Time `json:"time,omitempty"`
	Container string     `json:"container,omitempty"`
	Text      string     `json:"text"`
}

// Limits of what is shown.
const (
	maxEvents = 6   // of a container, and of the subject
	maxLines  = 5   // of a container's log
	maxWords  = 400 // bytes of somebody's words
)

// evidence returns what was seen, oldest first, of the containers that have the causes. What
// has no time stands before all.
func (s *Subject) evidence(causes []Diagnosis) (all []Evidence) {
	all = []Evidence{}
	add := func(name string, facts []Fact) {
		for _, f := range facts {
			e := Evidence{Container: name, Text: clip(lint.Redact(f.Text))}
			if at := f.Time.UTC().Truncate(time.Millisecond); isTime(at) {
				e.Time = &at
			}
			all = append(all, e)
		}
	}
	add("", last(s.Events, maxEvents))
	for _, c := range s.shown(causes) {
		add(c.Name, c.facts())
	}
	slices.SortStableFunc(all, func(a, b Evidence) int {
		if a.Time == nil || b.Time == nil {
			return compareBool(a.Time != nil, b.Time != nil)
		}
		return a.Time.Compare(*b.Time)
	})
	return all
}

// isTime reports whether a time is known, and one that RFC 3339 can write: whatever prints
// evidence may be wrong about its years.
func isTime(t time.Time) bool { return !t.IsZero() && 0 <= t.Year() && t.Year() <= 9999 }

// shown returns the containers whose evidence is told.
func (s *Subject) shown(causes []Diagnosis) (shown []*Container) {
	for _, d := range causes {
		if !slices.Contains(shown, d.about) {
			shown = append(shown, d.about)
		}
	}
	if len(shown) > 0 || len(s.Containers) == 0 {
		return shown
	}
	return []*Container{slices.MaxFunc(s.Containers, func(a, b *Container) int { return cmp.Compare(a.rank(), b.rank()) })}
}

func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// clip shortens somebody's words to what is read.
func clip(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxWords {
		return text
	}
	return strings.ToValidUTF8(text[:maxWords], "") + "…"
}

// facts returns what is known of a container.
func (c *Container) facts() (facts []Fact) {
	add := func(at time.Time, format string, args ...any) {
		facts = append(facts, Fact{at, fmt.Sprintf(format, args...)})
	}
	if check := c.describeCheck(); check != "" {
		add(time.Time{}, "%s", check)
	}
	if limits := c.describeLimits(); limits != "" {
		add(time.Time{}, "limits: %s", limits)
	}
	if !c.Created.IsZero() {
		add(c.Created, "%s", strings.TrimSuffix("created from "+c.Image, " from "))
	}
	if !c.Started.IsZero() && c.Started.Year() > 1 {
		add(c.Started, "started")
	}
	facts = append(facts, last(c.Events, maxEvents)...)
	if c.Status != Running || c.Health != Healthy {
		for _, line := range c.telling() {
			add(line.Time, "it wrote: %s", line.Text)
		}
	}
	said := ""
	for _, run := range c.Runs {
		add(run.at(), "%s", run.describe(said))
		said = strings.TrimSpace(run.Output)
	}
	if end, ok := c.exited(); ok {
		add(end.Finished, "%s", end.describe())
	}
	return append(facts, c.nowFacts()...)
}

// telling returns the lines of the log that tell most: the last, or those from a panic on,
// without the probe's own, which stand where the check does.
func (c *Container) telling() []Fact {
	lines := slices.DeleteFunc(slices.Clone(c.Log), func(f Fact) bool { return probeLine.MatchString(f.Text) })
	if i := slices.IndexFunc(lines, func(f Fact) bool { return panicPattern.MatchString(f.Text) }); i >= 0 && c.Status != Running {
		return first(lines[i:], maxLines)
	}
	return last(lines, maxLines)
}

// nowFacts returns how the container is at the time when it was asked about.
func (c *Container) nowFacts() (facts []Fact) {
	if c.Restarts > 0 {
		facts = append(facts, Fact{c.Now, fmt.Sprintf("restarted %d times so far", c.Restarts)})
	}
	if c.Sockets != nil && len(c.Sockets.Listens) > 0 {
		facts = append(facts, Fact{c.Now, "it listens on " + c.Sockets.describe()})
	} else if c.Sockets != nil {
		facts = append(facts, Fact{c.Now, "it listens on no TCP port"})
	}
	if clock := c.clock(); clock != "" {
		facts = append(facts, Fact{c.Now, clock})
	}
	return facts
}

// at returns when a run ended, or began if that is not known.
func (r Run) at() time.Time {
	if r.End.IsZero() {
		return r.Start
	}
	return r.End
}

// describe says how a run ended. The one before it has said something that need not be
// said again.
func (r Run) describe(before string) string {
	after := ""
	if took := r.took(); took > 0 {
		after = " after " + took.Round(time.Millisecond).String()
	}
	output := strings.TrimSpace(r.Output)
	switch {
	case r.ExitCode == 0:
		return "check passed" + after
	case r.ExitCode < 0 && output != "" && output != before:
		return fmt.Sprintf("check failed%s: %s", after, output)
	case output == "":
		return fmt.Sprintf("check failed with exit code %d%s, and wrote nothing", r.ExitCode, after)
	case output == before:
		return fmt.Sprintf("check failed with exit code %d%s, and wrote the same", r.ExitCode, after)
	}
	return fmt.Sprintf("check failed with exit code %d%s: %s", r.ExitCode, after, output)
}

func (t Termination) describe() string {
	text := "ended"
	if t.ExitCode >= 0 {
		text += " with exit code " + itoa(t.ExitCode)
	}
	if name := signalOf(t.ExitCode); name != "" {
		text += " (" + name + ")"
	}
	if t.Reason != "" {
		text += ": " + t.Reason
	}
	return text
}

// signalOf names the signal that an exit code stands for.
func signalOf(code int) string {
	return map[int]string{130: "SIGINT", 131: "SIGQUIT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}[code]
}

// describeCheck says what is run, and when.
func (c *Container) describeCheck() string {
	switch {
	case !c.defined && c.Check == nil:
		return ""
	case c.Check == nil || len(c.Check.Test) == 0:
		return "the container has no check"
	case !c.hasCheck():
		return "the check is disabled: " + quote.JSON(c.Check.Test)
	}
	t := c.timings()
	return fmt.Sprintf("check: %s, every %s, timeout %s, %d retries, start period %s", quote.JSON(c.Check.Test), t.Interval, t.Timeout, t.Retries, t.StartPeriod)
}

// timings returns the check's numbers, with the platform's own where none is said.
//
// moby's daemon/health.go; https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
func (c *Container) timings() health.Config {
	t := *c.Check
	t.Interval = cmp.Or(t.Interval, health.DockerInterval)
	t.Retries = cmp.Or(t.Retries, health.DockerRetries)
	timeout := health.DockerTimeout
	if c.Platform == ECS {
		timeout = 5 * time.Second
	}
	t.Timeout = cmp.Or(t.Timeout, timeout)
	return t
}

func (c *Container) describeLimits() string {
	var limits []string
	if c.Memory > 0 {
		limits = append(limits, fmt.Sprintf("%d MiB of memory", c.Memory>>20))
	}
	if c.CPUs > 0 {
		limits = append(limits, fmt.Sprintf("%.3g processors", c.CPUs))
	}
	if c.PIDs > 0 {
		limits = append(limits, fmt.Sprintf("%d processes", c.PIDs))
	}
	if c.Run.ReadOnly {
		limits = append(limits, "a read-only root file system")
	}
	return strings.Join(limits, ", ")
}

// clock says how long the platform goes on waiting, or whether it has waited for long
// enough.
func (c *Container) clock() string {
	if !c.hasCheck() || c.Status != Running || c.Health == Healthy || c.Health == Unknown {
		return ""
	}
	t := c.timings()
	if c.Health == Unhealthy && c.Streak == 0 {
		return ""
	}
	if c.Health == Unhealthy {
		return fmt.Sprintf("unhealthy after %d failures in a row; %d suffice", c.Streak, t.Retries)
	}
	if until := c.Started.Add(t.StartPeriod).Sub(c.Now); until > 0 && !c.Started.IsZero() {
		return fmt.Sprintf("failures do not count for another %s, the rest of the start period", until.Round(time.Second))
	}
	left := max(1, t.Retries-c.Streak)
	return fmt.Sprintf("%d more failures make it unhealthy, in %s at least", left, time.Duration(left)*t.Interval)
}
