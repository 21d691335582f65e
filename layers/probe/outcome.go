package main

import "github.com/ko-health/kohealth/builder/health/probeargs"

// An outcome is what came of the check of a target.
type outcome struct {
	target string   // as the command line has it
	what   string   // what was done
	seen   string   // what is to be said of a healthy app; may be empty
	at     []string // where the app accepts connections, of auto
	status int      // of HTTP; 0 if there was none
	err    error    // why it is unhealthy
	took   probeargs.Duration
}

// done is the outcome of a check that has nothing more to say.
func done(what string, err error) *outcome { return &outcome{what: what, err: err} }

// line says it to people.
func (o *outcome) line() string {
	line := cut(o.what, maxTarget)
	switch {
	case o.err != nil:
		line = "unhealthy: " + line + ": " + o.err.Error()
	case o.seen != "":
		line = "healthy: " + line + ": " + o.seen
	default:
		line = "healthy: " + line
	}
	return line + " (" + durationText(o.took) + ")\n"
}
