package why

import "fmt"

func timeout() Cause {
	return Cause{
		ID: "timeout", Doc: "The check does not end within its timeout, and it is not seen whether the app hangs or is slow.",
		Signs: []Sign{{anywhere, "`timed out`, `exceeded timeout` or `deadline exceeded`"}},
		Sure:  "Likely: that it takes too long is certain; why is not seen.",
		Do:    "see whether the app answers with more time: --health-timeout, timeout; kohealth why docker:NAME on the engine's own machine, as root, tells a hanging app from a slow one",
		find: func(c *Container) *Diagnosis {
			if !c.failing() || !c.failures()[0].isTimeout() {
				return nil
			}
			if c.explains(architecture, cpuLimit, appHangs, shortTimeout) {
				return nil
			}
			limit := ""
			if t := c.timeout(); t > 0 {
				limit = " of " + t.String()
			}
			return &Diagnosis{Certainty: Likely, Verdict: fmt.Sprintf("the check does not end within its timeout%s: the app hangs, or is slow", limit), rules: []string{"too-slow"}}
		},
	}
}
