package why

import (
	"fmt"
	"time"
)

func podmanTimers() Cause {
	return Cause{
		ID: "podman-timers", Doc: "Podman has systemd run checks, and there is none, or it does not reach it: no check ever runs.",
		Signs: []Sign{{"Podman", "the container has run for longer than the interval, and its log of checks is empty"}},
		Sure:  "Certain after two intervals, likely before.",
		Do:    "run Podman where systemd is (for a user: loginctl enable-linger), or have something else call podman healthcheck run NAME",
		find: func(c *Container) *Diagnosis {
			if c.Platform != Podman || c.Status != Running || !c.hasCheck() || len(c.Runs) > 0 || c.Started.IsZero() {
				return nil
			}
			age, interval := c.Now.Sub(c.Started), c.timings().Interval
			if age < time.Second { // Podman checks at once
				return nil
			}
			return &Diagnosis{
				Certainty: certainIf(age > 2*interval),
				Verdict:   fmt.Sprintf("Podman has not run the check once in %s: it leaves that to systemd's timers", age.Round(time.Second)),
			}
		},
	}
}
