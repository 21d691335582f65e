package why

import (
	"fmt"
	"time"
)

func shortTimeout() Cause {
	return Cause{
		ID: "short-timeout", Doc: "The app answers more slowly than the check's timeout allows.",
		Signs: []Sign{
			{onDocker, "checks time out, and the app gets done with its requests, only later; or the checks that pass take nearly the timeout"},
			{anywhere, "some checks time out, and others pass in nearly the timeout"},
		},
		Sure: "Certain where checks that passed took more than half of the timeout; likely where the app's sockets show that it gets done with requests.",
		Do:   "give the check more time: --health-timeout, timeout, timeoutSeconds; or have the app answer it without its database and the like",
		find: func(c *Container) *Diagnosis {
			if c.Status != Running || !c.timedOut() || !c.hasCheck() || c.explains(appHangs, cpuLimit, architecture) {
				return nil
			}
			if took := c.slowest(); took > c.timeout()/2 {
				return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the check's timeout of %s is too short: the app takes up to %s to answer", c.timeout(), took.Round(time.Millisecond))}
			}
			if c.failing() && c.Sockets != nil && c.answersLate() {
				return &Diagnosis{Certainty: Likely, Verdict: fmt.Sprintf("the check's timeout of %s is too short: the app accepts connections, and gets done with its requests later", c.timeout())}
			}
			return nil
		},
	}
}

// answersLate reports whether the app has got done with requests that were given up.
func (c *Container) answersLate() bool {
	port := c.target().Port
	pending := c.Sockets.Waiting[uint16(port)] + c.Sockets.Unanswered[uint16(port)]
	return len(c.Sockets.on(port)) > 0 && pending < max(c.Streak, len(c.failures()))
}

// timedOut reports whether a check has taken too long, even if others pass.
func (c *Container) timedOut() bool {
	for _, run := range c.Runs {
		if run.isTimeout() {
			return true
		}
	}
	return false
}

// slowest returns how long the slowest check took that has passed.
func (c *Container) slowest() (took time.Duration) {
	for _, run := range c.Runs {
		if run.ExitCode == 0 {
			took = max(took, run.took())
		}
	}
	return took
}

func (c *Container) timeout() time.Duration {
	if c.Check == nil {
		return 0
	}
	return c.timings().Timeout
}
