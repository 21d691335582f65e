package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A check is one run of the probe. All that it waits for ends at the deadline.
type check struct {
	cmd      *probeargs.Command
	start    instant
	deadline instant
}

func newCheck(cmd *probeargs.Command) check {
	timeout := instant(cmd.Timeout)
	if timeout == 0 {
		timeout = probeargs.DefaultTimeout
	}
	start := now() - waitedEarly()
	return check{cmd, start, start + timeout}
}

// all checks the targets, and returns what came of each in the order of the command
// line. Several are checked side by side, since each may need the whole time. One
// alone does without a thread of its own.
func (c check) all() []*outcome {
	targets := c.cmd.Targets
	if len(targets) == 1 {
		return []*outcome{c.outcome(targets[0])}
	}
	all := make([]*outcome, len(targets))
	done := make(chan struct{})
	for i, t := range targets {
		go func() {
			all[i] = c.outcome(t) // recovers panics
			done <- struct{}{}
		}()
	}
	for range targets {
		<-done
	}
	return all
}

// outcome checks a target and returns what came of it.
func (c check) outcome(t probeargs.Target) (o *outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = done(t.String(), errors.New(panicText(p)))
		}
		o.target, o.took = t.String(), now()-c.start
	}()
	return c.target(t)
}

// target checks a target.
func (c check) target(t probeargs.Target) *outcome {
	switch t.Scheme {
	case "http", "https", "http+unix":
		return c.follow(t)
	case "grpc", "grpcs":
		return done(c.grpc(t))
	case "tcp", "unix":
		return done(c.connect(t))
	case "file":
		return done(c.file(t))
	case "auto":
		return c.auto(t.Path, procDir, appDir)
	}
	return done(t.String(), errors.New("this probe cannot check it"))
}

// connect checks that something accepts connections.
func (c check) connect(t probeargs.Target) (what string, err error) {
	conn, _, err := dial(t, c.deadline)
	if err == nil {
		conn.close()
	}
	return t.String(), err
}

// file checks that a file exists and was modified lately.
func (c check) file(t probeargs.Target) (what string, err error) {
	var modified int64
	var failed error
	if !within(until(c.deadline), func() { modified, failed = modTime(t.Path) }) {
		// Say, on a file system whose server is gone.
		return t.String(), in("reading the time of modification", errTimeout)
	}
	switch age := probeargs.Duration(wallTime() - modified); {
	case failed != nil:
		return t.String(), failed
	case t.MaxAge != 0 && age > t.MaxAge:
		return t.String(), errors.New("modified " + durationText(age) + " ago, more than " + durationText(t.MaxAge))
	case t.MaxAge != 0 && age < -t.MaxAge: // would stay healthy for long without being touched
		return t.String(), errors.New("modified " + durationText(-age) + " in the future")
	}
	return t.String(), nil
}

// within runs f and waits for it for at most d. A false result says that f may
// still run. Its time begins when it does: where there is little CPU, the clock would
// else be up before f has had any.
func within(d probeargs.Duration, f func()) bool {
	ended := make(chan bool, 2)
	begun := make(chan struct{})
	go func() {
		defer func() { ended <- recover() == nil }()
		close(begun)
		f()
	}()
	<-begun
	go func() {
		sleep(d)
		ended <- false
	}()
	return <-ended
}
