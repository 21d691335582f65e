package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ko-health/kohealth/builder/escape"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/trial"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// A tryView shows a trial: a line for every check on stdout and, on a terminal, how long
// the app has been running in a last line that changes.
type tryView struct {
	out, err io.Writer
	app      *appOutput
	auto     bool        // the check is auto
	cause    string      // of the last check's failure, without how long it took
	unread   func(error) // is called when out cannot be written to

	mu    sync.Mutex
	start time.Time
	live  bool          // out shows a line that changes
	over  chan struct{} // closed when the last line changes no more
}

func newTryView(out, err *os.File, verbose bool) *tryView {
	v := &tryView{out: out, err: err, live: term.IsLive(out), over: make(chan struct{})}
	v.app = &appOutput{}
	if verbose {
		v.app.show = func(line string) { v.above(v.err, line) }
	}
	return v
}

// started begins the line that changes.
func (v *tryView) started() {
	if !v.live {
		return
	}
	v.mu.Lock()
	v.start = time.Now()
	v.mu.Unlock()
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-v.over:
				return
			case <-tick.C:
				v.above(io.Discard, "") // only the last line
			}
		}
	}()
}

// clearLine is a terminal's: to the first column, and erase what is there.
const clearLine = "\r\x1b[K"

// above writes a line above the one that changes.
func (v *tryView) above(w io.Writer, line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.live {
		fmt.Fprint(v.out, clearLine)
	}
	if _, err := io.WriteString(w, escape.Lines(line)+"\n"); err != nil && w == v.out {
		v.unread(fmt.Errorf("showing a check: %w", err))
	}
	if v.live && !v.start.IsZero() {
		fmt.Fprintf(v.out, "%s running", seconds(time.Since(v.start)))
	}
}

// tookPattern matches how long a check took, which stands at the end of its cause.
var tookPattern = regexp.MustCompile(`\([0-9.]+(µs|ms|s)\)`)

// check shows a check. What is wrong is said once, as long as nothing else is.
func (v *tryView) check(c trial.Check) {
	c.Cause = term.Line(c.Cause)
	cause := tookPattern.ReplaceAllString(c.Cause, "")
	if v.cause == cause {
		c.Cause = "as before"
	}
	v.cause = cause
	switch {
	case cause == "":
		v.above(v.out, fmt.Sprintf("%s healthy in %s", seconds(c.At), milliseconds(c.Took)))
	case c.Failures == 0:
		v.above(v.out, fmt.Sprintf("%s starting: %s", seconds(c.At), c.Cause))
	default:
		v.above(v.out, fmt.Sprintf("%s failure %d of %d: %s", seconds(c.At), c.Failures, c.Retries, c.Cause))
	}
}

// stop removes the line that changes.
func (v *tryView) stop() {
	v.app.end()
	close(v.over)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.live {
		fmt.Fprint(v.out, clearLine)
		v.live = false
	}
}

// accepts begins the line that says on which addresses the app accepts connections.
const accepts = "the app accepts connections on "

// shownAddresses returns the addresses that kohealth try has shown.
func shownAddresses(shown string) []string {
	for line := range strings.Lines(shown) {
		if list, ok := strings.CutPrefix(line, accepts); ok {
			return strings.Fields(list)
		}
	}
	return nil
}

// suggest shows where the app listens and what to configure.
func (v *tryView) suggest(o trial.Outcome) error {
	startPeriod, timeout := o.Suggest()
	text := ""
	if len(o.Auto.Addresses) > 0 {
		text = accepts + strings.Join(o.Auto.Addresses, " ") + "\n"
	}
	text += "healthcheck:         # in .ko.yaml this would fit:\n"
	if ports := ownPorts(o.Auto.Addresses, asNumber); len(ports) > 0 && v.auto {
		text += fmt.Sprintf("  test: %-12s # unhealthy, too, if the app does not listen there\n", health.DefaultTest+":"+strings.Join(ports, ","))
	}
	text += fmt.Sprintf("  start_period: %-4s # healthy after %s here\n  timeout: %-9s # the check took %s here\n",
		startPeriod, seconds(o.After), timeout, milliseconds(o.Last.Took))
	_, err := io.WriteString(v.out, text)
	return err
}

// lastLines shows what the app wrote last, unless all of it was shown.
func (v *tryView) lastLines() {
	if v.app.show != nil {
		return
	}
	for _, line := range v.app.last() {
		_, _ = io.WriteString(v.err, escape.Lines(line)+"\n")
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// milliseconds rounds up: nothing takes no time.
func milliseconds(d time.Duration) string {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond).String()
}

// An appOutput keeps the last lines of what an app writes.
type appOutput struct {
	show func(line string) // is called for each line; nil for nobody

	mu    sync.Mutex
	lines []string
	rest  []byte // that does not end yet
}

// Limits of what is kept of an app's output.
const (
	maxAppLines = 20
	maxAppLine  = 4096 // bytes
)

// Write implements [io.Writer].
func (a *appOutput) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		a.rest = append(a.rest, line[:min(len(line), maxAppLine-len(a.rest))]...)
		if ended {
			a.add()
		}
		rest = after
	}
	return len(p), nil
}

func (a *appOutput) add() {
	line := "app: " + term.Output(string(bytes.TrimSuffix(a.rest, []byte("\r"))))
	a.rest = a.rest[:0]
	if a.lines = append(a.lines, line); len(a.lines) > maxAppLines {
		a.lines = a.lines[1:]
	}
	if a.show != nil {
		a.show(line)
	}
}

// end makes a line of what has no end.
func (a *appOutput) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.rest) > 0 {
		a.add()
	}
}

// last returns the last lines.
func (a *appOutput) last() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lines
}
