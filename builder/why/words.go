package why

import (
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// failures returns the runs that have failed and still count: those since the last that
// has passed, newest first. Of a healthy container there are none.
func (c *Container) failures() (failed []Run) {
	for _, run := range slices.Backward(c.Runs) {
		if run.ExitCode == 0 {
			return failed
		}
		failed = append(failed, run)
	}
	return failed
}

// checkSays looks in what the failing checks have written, from the newest on.
func (c *Container) checkSays(re *regexp.Regexp) (match []string) {
	for _, run := range c.failures() {
		if match = re.FindStringSubmatch(run.Output); match != nil {
			return match
		}
	}
	return nil
}

// appSays looks in what the container has written, from the newest line on.
func (c *Container) appSays(re *regexp.Regexp) (match []string) {
	for _, line := range slices.Backward(c.Log) {
		if match = re.FindStringSubmatch(line.Text); match != nil {
			return match
		}
	}
	return nil
}

// platformSays looks in what the platform says.
func (c *Container) platformSays(re *regexp.Regexp) (match []string) {
	if match = re.FindStringSubmatch(c.Error); match != nil {
		return match
	}
	if c.Previous != nil {
		if match = re.FindStringSubmatch(c.Previous.Reason); match != nil {
			return match
		}
	}
	for _, e := range slices.Backward(c.Events) {
		if match = re.FindStringSubmatch(e.Text); match != nil {
			return match
		}
	}
	return nil
}

// isDown reports whether the container ends before anything can check it.
func (c *Container) isDown() bool {
	return c.Status == Exited || c.Previous != nil && c.Status == Waiting
}

// endedItself reports whether the container has ended without the platform's doing. One
// whose checks had failed the platform may well have stopped.
func (c *Container) endedItself() bool {
	code := c.exitCode()
	return c.isDown() && (code >= 0 && code != 137 && code != 143 || len(c.failures()) == 0 && c.Health != Unhealthy)
}

// failing reports whether the newest check has failed, in a container that runs or that the
// platform has stopped for it.
func (c *Container) failing() bool {
	return len(c.failures()) > 0 && c.Status != Paused && !c.endedItself() && !c.OOMKilled
}

// exited returns how the container ended last, and whether it has.
func (c *Container) exited() (Termination, bool) {
	switch {
	case c.Status == Exited:
		return Termination{c.ExitCode, c.Error, c.Finished}, true
	case c.Previous != nil:
		return *c.Previous, true
	}
	return Termination{}, false
}

// lastLine returns what the container wrote last, or "".
func (c *Container) lastLine() string {
	for _, line := range slices.Backward(c.Log) {
		if text := strings.TrimSpace(line.Text); text != "" {
			return text
		}
	}
	return ""
}

// A target is what a check asks.
type target struct {
	Host string // "" is not known
	Port int    // 0 is not known
}

var (
	targetPattern = regexp.MustCompile(`\b(https?|grpcs?|tcp)://(\[[0-9a-fA-F:]+\]|[^\s:/"'\[\]]*)(?::(\d+))?`)
	portPattern   = regexp.MustCompile(`(?i)\bport[ =](\d+)|\b(?:localhost|127\.0\.0\.1|\[::1\]|::1)\)?:(\d+)|\d+\.\d+\.\d+\.\d+:(\d+)`)
)

// target returns what the check asks: what it says when it fails, or else what its command
// names.
func (c *Container) target() target {
	texts := []string{}
	for _, run := range c.failures() {
		texts = append(texts, run.Output)
	}
	if c.Check != nil {
		command := strings.Join(c.Check.Test, " ")
		texts = append(texts, os.Expand(command, func(name string) string {
			name, or, _ := strings.Cut(name, ":-")
			if value := c.Run.Env[name]; value != "" {
				return value
			}
			return or
		}))
	}
	for _, text := range texts {
		if t, ok := targetIn(text); ok {
			return t
		}
	}
	return target{}
}

func targetIn(text string) (t target, ok bool) {
	if m := targetPattern.FindStringSubmatch(text); m != nil {
		t.Host = strings.Trim(m[2], "[]")
		t.Port, _ = strconv.Atoi(m[3])
		if t.Port == 0 {
			t.Port = map[string]int{"http": 80, "https": 443}[m[1]]
		}
		return t, t.Port != 0
	}
	if m := portPattern.FindStringSubmatch(text); m != nil {
		t.Port, _ = strconv.Atoi(m[1] + m[2] + m[3])
		return t, t.Port != 0
	}
	return t, false
}

// String returns the target as it stands in a verdict.
func (t target) String() string {
	switch {
	case t.Port == 0:
		return "what the check asks"
	case t.Host == "":
		return "port " + strconv.Itoa(t.Port)
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
}

// refusedPattern matches what programs say whose connection is refused.
var refusedPattern = regexp.MustCompile(`(?i)connection refused|ECONNREFUSED|could ?n[o']t connect to (?:server|host)|failed to connect to|can't connect to remote host`)

// timeoutPattern matches what is said of checks that took too long: by Docker, kohealth's
// probe, curl, wget, Node.js, Java, Go's client in a kubelet, gRPC's probe, a load balancer.
// The word alone is also the name of a program, of an option, and of two statuses of HTTP.
var timeoutPattern = regexp.MustCompile(`(?i)timed ?out|exceeded timeout|timeout exceeded|deadline exceeded|i/o timeout|timeout(?:error|exception)|timeout (?:awaiting|expired|reached|was reached|waiting|while)|(?:connect|connection|read) timeout|timeout: (?:failed to connect|health rpc)`)

// usagePattern matches the help that programs print instead of doing something. Among what
// it explains may be a timeout.
var usagePattern = regexp.MustCompile(`(?mi)^usage: `)

// isTimeout reports whether a run took too long.
func (r Run) isTimeout() bool {
	return r.ExitCode != 0 && timeoutPattern.MatchString(r.Output) && !usagePattern.MatchString(r.Output)
}

// took returns how long a run took, or 0.
func (r Run) took() time.Duration {
	if r.Start.IsZero() || r.End.IsZero() {
		return 0
	}
	return max(0, r.End.Sub(r.Start))
}
