// Package trial tries an image's health check before the image ships: it runs the
// app, and the check on the image's schedule, until the check passes or the container
// would be unhealthy. A [Local] does so without a container, an [Engine] in one of the
// Docker engine's.
//
//	app, err := trial.NewLocal(ctx, img, check, dir, compiler)
//	…
//	outcome, err := app.Run(ctx, trial.Options{Output: os.Stderr})
package trial

import (
	"context"
	"io"
	"math"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// Options say how an app is run, and who is told. The zero value runs it as the image
// says and tells nobody.
type Options struct {
	Args    []string    // of the app, in the place of those that the image has
	Env     []string    // NAME=VALUE, over what the image has
	Output  io.Writer   // gets what the app writes
	Started func()      // is called when the app has been started
	Report  func(Check) // is told of each check when it has ended
}

func (o *Options) started() {
	if o.Started != nil {
		o.Started()
	}
}

func (o *Options) report(c Check) {
	if o.Report != nil {
		o.Report(c)
	}
}

// A Check is one run of the health check.
type Check struct {
	At       time.Duration // when it ended, since the app was started
	Took     time.Duration
	Cause    string // why it failed; "" if it passed
	Failures int    // in a row that count, this one among them
	Retries  int    // as many failures make a container unhealthy
}

// An Outcome is how a trial ended.
type Outcome struct {
	Healthy bool
	After   time.Duration // since the app was started
	Checks  int           // that have ended
	Last    Check         // zero if there was none
	End     string        // how the app ended by itself, as in "with code 1"; "" if it did not
	Auto    Auto          // zero if it is not known
}

// Auto is what the check auto says of an app that runs.
type Auto struct {
	Addresses []string // where the app accepts connections, as in 127.0.0.1:8080 and [::]:9090
	Cause     string   // why auto would fail; "" if it would pass
}

// Suggest returns the start period and the timeout that fit what was measured in a
// trial that ended well. An app takes longer where it has less of a processor, or its
// database is further away, so there is room for three times as long to start and for
// ten times as long to answer, and never less than the defaults. Both are whole seconds
// that ECS takes.
func (o Outcome) Suggest() (startPeriod, timeout time.Duration) {
	limits, needed := health.ECS(), o.After
	if o.Checks == 1 {
		needed = 0 // the first check has passed: who knows how long before it would have
	}
	startPeriod = limits.StartPeriod.Nearest(max(roundUp(3*needed, 5*time.Second), health.DefaultStartPeriod))
	timeout = limits.Timeout.Nearest(max(roundUp(10*o.Last.Took, time.Second), health.DefaultTimeout))
	return startPeriod, timeout
}

func roundUp(d, unit time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(d)/float64(unit))) * unit
}

// watch checks on a schedule until a check passes, until they have failed too often, or
// until alive is done, which the end of the app does. A check that the end of the app
// has cut short is not reported. The error is ctx's.
func watch(ctx, alive context.Context, s schedule, check func(context.Context) (cause string), opts *Options) (o Outcome, err error) {
	start := time.Now()
	for {
		wait := time.NewTimer(s.wait(time.Since(start)))
		select {
		case <-alive.Done():
		case <-wait.C:
		}
		wait.Stop()
		began := time.Since(start)
		var cause string
		if alive.Err() == nil {
			cause = check(alive)
		}
		o.After = time.Since(start)
		if alive.Err() != nil {
			return o, context.Cause(ctx)
		}
		unhealthy := cause != "" && s.failed(began)
		o.Healthy = cause == ""
		o.Checks++
		o.Last = Check{At: o.After, Took: o.After - began, Cause: cause, Failures: s.failures, Retries: s.Retries}
		opts.report(o.Last)
		if o.Healthy || unhealthy {
			return o, nil
		}
	}
}

// causeOf makes one line of what a failing check has written. Where it has written
// nothing, how it ended has to do.
func causeOf(output, ended string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "unhealthy: "); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ended + " and no output"
	}
	return strings.Join(lines, "; ")
}
