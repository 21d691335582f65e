package why

import (
	"fmt"
	"time"
)

func starting() Cause {
	return Cause{
		ID: "starting", Doc: "The container has just been started, and no check has ended yet.",
		Signs: []Sign{
			{onDocker, "`starting`, and the log of checks is empty: the first runs after one interval"},
			{onECS, "`UNKNOWN` or `PENDING` in the first seconds"},
		},
		Sure: "Certain.",
		Do:   "wait for the first check; a start interval (Docker 25 and later) has it come sooner: --health-start-interval",
		find: func(c *Container) *Diagnosis {
			if c.Status != Running || c.Health != Starting && c.Health != Unknown || len(c.Runs) > 0 || !c.hasCheck() || podmanTimers().find(c) != nil {
				return nil
			}
			every := c.timings().Interval
			verdict := fmt.Sprintf("no check has ended yet: the first comes after %s", every)
			if !c.Started.IsZero() {
				verdict = fmt.Sprintf("no check has ended yet, %s after the start: the first comes after %s", c.Now.Sub(c.Started).Round(time.Second), every)
			}
			return &Diagnosis{Certainty: Likely, Verdict: verdict}
		},
	}
}
