package why

import "fmt"

func cpuLimit() Cause {
	const much = 0.2 // of all periods
	return Cause{
		ID: "cpu-limit", Doc: "The container has too little of a processor: neither app nor check gets done in time.",
		Signs: []Sign{
			{onDocker, "checks time out, and the engine says that the container is throttled"},
			{onECS, "checks time out, and `cpu` is small"},
			{onKubernetes, "probes time out, and `resources.limits.cpu` is small"},
		},
		Sure: "Certain where the platform counts the periods in which the container was throttled; possible where only the limit is seen.",
		Do:   "raise or leave out the limit (--cpus, cpu, resources.limits.cpu), or give the check more time",
		find: func(c *Container) *Diagnosis {
			if !c.failing() || c.CPUs == 0 || !c.failures()[0].isTimeout() {
				return nil
			}
			switch {
			case c.Throttled >= much:
				return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the container has too little of a processor: limit %.3g, throttled in %.0f %% of all periods, so checks time out", c.CPUs, 100*c.Throttled)}
			case c.CPUs < 0.25:
				return &Diagnosis{Certainty: Possible, Verdict: fmt.Sprintf("the container may have too little of a processor: its limit is %.3g, and checks time out", c.CPUs)}
			}
			return nil
		},
	}
}
