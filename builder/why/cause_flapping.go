package why

import "fmt"

func flapping() Cause {
	return Cause{
		ID: "flapping", Doc: "The container is healthy now, and was not a moment ago: checks fail every now and then.",
		Signs: []Sign{{anywhere, "failures and passes take turns in the log of checks"}},
		Sure:  "Certain: the failures are in the log.",
		Do:    "read below why the checks failed; more retries bridge short failures, a longer timeout slow answers",
		find: func(c *Container) *Diagnosis {
			if c.Status != Running || len(c.failures()) > 0 {
				return nil
			}
			var failed, after int
			var last Run
			passed := false
			for _, run := range c.Runs {
				if run.ExitCode == 0 {
					passed = true
					continue
				}
				failed, last = failed+1, run
				if passed {
					after++
				}
			}
			switch {
			case failed == 0:
				return nil
			case after == 0 && refusedPattern.MatchString(last.Output):
				return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("healthy now; the last %d checks before failed: the app was not ready yet", failed), Fix: notReady().Do}
			}
			return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("healthy now, but flapping: %d of the last %d checks failed, the last with: %s", failed, len(c.Runs), clip(last.words()))}
		},
	}
}

// words returns what a failing check has to say.
func (r Run) words() string {
	if text := clip(r.Output); text != "" {
		return text
	}
	return "exit code " + itoa(r.ExitCode)
}
