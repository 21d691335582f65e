package why

import (
	"fmt"
	"regexp"
)

var memoryPattern = regexp.MustCompile(`(?i)OutOfMemory|OOMKilled|out of memory|memory usage exceeded|cannot allocate memory`)

func outOfMemory() Cause {
	return Cause{
		ID: "out-of-memory", Doc: "The kernel killed the app, or the check, because the container used more memory than it may.",
		Signs: []Sign{
			{onDocker, "`State.OOMKilled`, exit code 137"},
			{onECS, "the container's reason is `OutOfMemoryError`, exit code 137"},
			{onKubernetes, "the last state's reason is `OOMKilled`"},
		},
		Sure: "Certain: the platform says so. An exit code of 137 without it is `stopped`.",
		Do:   "give the container more memory, or have the app use less (GOMEMLIMIT tells Go's garbage collector the limit)",
		find: func(c *Container) *Diagnosis {
			limit := ""
			if c.Memory > 0 {
				limit = fmt.Sprintf(" (limit %d MiB)", c.Memory>>20)
			}
			switch end, down := c.exited(); {
			case down && (c.OOMKilled || memoryPattern.MatchString(end.Reason) || c.Status == Exited && c.platformSays(memoryPattern) != nil):
				return &Diagnosis{Certainty: Certain, Verdict: "the app was killed: out of memory" + limit}
			case c.OOMKilled && c.Status == Running:
				return &Diagnosis{Certainty: Likely, Verdict: "a process in the container was killed, out of memory" + limit + ": perhaps the check's, which runs within the same limit"}
			case c.failing() && c.checkSays(memoryPattern) != nil:
				return &Diagnosis{Certainty: Certain, Verdict: "the check runs out of memory" + limit}
			}
			return nil
		},
	}
}
