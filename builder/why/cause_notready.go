package why

import (
	"fmt"
	"time"
)

func notReady() Cause {
	return Cause{
		ID: "not-ready", Doc: "The app was not ready in time: its checks failed, and counted, while it was still starting.",
		Signs: []Sign{
			{onDocker, "every check since the start was refused or timed out, and the app listens on nothing yet; or the checks pass by now that failed at first"},
			{onECS, "the same; the task is replaced before the app is ready"},
			{onKubernetes, "a liveness probe is refused after every restart"},
		},
		Sure: "Certain in the first two minutes where the app's sockets are seen; possible where they are not.",
		Do:   "give the check a start period that is longer than the app takes: --health-start-period, start_period, startPeriod, on Kubernetes a startupProbe; kohealth try measures it",
		find: findNotReady,
	}
}

// soon is how long apps take to start that take long.
const soon = 2 * time.Minute

func findNotReady(c *Container) *Diagnosis {
	if !c.failing() || !c.hasCheck() || c.checkSays(refusedPattern) == nil || c.explains(otherAddress, proxy) {
		return nil
	}
	for _, run := range c.Runs {
		if run.ExitCode == 0 {
			return nil // it was ready once
		}
	}
	age := c.Now.Sub(c.Started)
	silent := c.Sockets != nil && len(c.Sockets.Listens) == 0
	if c.Sockets != nil && !silent && len(c.Sockets.on(c.target().Port)) == 0 || c.Sockets == nil && (c.Started.IsZero() || age > soon) {
		return nil
	}
	t := c.timings()
	verdict := fmt.Sprintf("the app was not ready in time: it accepts no connection %s after its start, and the start period is %s", age.Round(time.Second), t.StartPeriod)
	if c.Sockets != nil && !silent {
		verdict = fmt.Sprintf("the app was not ready in time: it accepts connections now, and the checks failed before; the start period is %s", t.StartPeriod)
	}
	certainty := certainIf(age <= soon)
	if c.Sockets == nil {
		certainty = Possible
	}
	return &Diagnosis{Certainty: certainty, Verdict: verdict}
}
