package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// A check is one run of the probe. All that it waits for ends at the deadline.
type check struct {
	cmd      *cmdline.Command
	start    instant
	deadline instant
}

func newCheck(cmd *cmdline.Command) check {
	timeout := instant(cmd.Timeout)
	if timeout == 0 {
		timeout = cmdline.DefaultTimeout
	}
	start := now()
	return check{cmd, start, start + timeout}
}

// all checks the targets and returns a line for each that is not healthy, in the
// order of the command line. Several are checked side by side, since each may need
// the whole time. One alone does without a thread of its own.
func (c check) all() string {
	targets := c.cmd.Targets
	if len(targets) == 1 {
		return c.line(targets[0])
	}
	lines := make([]string, len(targets))
	done := make(chan struct{})
	for i, t := range targets {
		go func() {
			lines[i] = c.line(t) // recovers panics
			done <- struct{}{}
		}()
	}
	for range targets {
		<-done
	}
	var all string
	for _, line := range lines {
		all += line
	}
	return all
}

// line checks a target and returns what is to be said of it, or "" if it is healthy.
func (c check) line(t cmdline.Target) (line string) {
	defer func() {
		if p := recover(); p != nil {
			line = "unhealthy: " + t.String() + ": " + panicText(p) + "\n"
		}
	}()
	what, err := c.target(t)
	if err == nil {
		return ""
	}
	return "unhealthy: " + cut(what, maxTarget) + ": " + err.Error() + " (" + durationText(now()-c.start) + ")\n"
}

// target checks a target. what says what was done, for the message.
func (c check) target(t cmdline.Target) (what string, err error) {
	switch t.Scheme {
	case "http", "http+unix":
		return c.follow(t)
	case "tcp", "unix":
		return c.connect(t)
	case "file":
		return c.file(t)
	}
	return t.String(), errors.New("this probe cannot check it")
}

// connect checks that something accepts connections.
func (c check) connect(t cmdline.Target) (what string, err error) {
	conn, _, err := dial(t, c.deadline)
	if err == nil {
		conn.close()
	}
	return t.String(), err
}

// file checks that a file exists and was modified lately.
func (c check) file(t cmdline.Target) (what string, err error) {
	var modified int64
	finished := within(until(c.deadline), func() { modified, err = modTime(t.Path) })
	switch age := cmdline.Duration(wallTime() - modified); {
	case !finished: // say, on a file system whose server is gone
		return t.String(), in("reading the time of modification", errTimeout)
	case err != nil:
		return t.String(), err
	case t.MaxAge != 0 && age > t.MaxAge:
		return t.String(), errors.New("modified " + durationText(age) + " ago, more than " + durationText(t.MaxAge))
	case t.MaxAge != 0 && age < -t.MaxAge: // would stay healthy for long without being touched
		return t.String(), errors.New("modified " + durationText(-age) + " in the future")
	}
	return t.String(), nil
}

// within runs f and waits for it for at most d. A false result says that f may
// still run.
func within(d cmdline.Duration, f func()) bool {
	ended := make(chan bool, 2)
	go func() {
		defer func() { ended <- recover() == nil }()
		f()
	}()
	go func() {
		sleep(d)
		ended <- false
	}()
	return <-ended
}
