package why

import "regexp"

var takenPattern = regexp.MustCompile(`(?i)[^\n]*address already in use[^\n]*`)

func portTaken() Cause {
	return Cause{
		ID: "port-taken", Doc: "The app's port is taken by another process that shares its network.",
		Signs: []Sign{{anywhere, "`address already in use` in the app's log"}},
		Sure:  "Certain if the container has ended; likely otherwise.",
		Do:    "give the app a port of its own, or stop what has it: containers of a task, a pod or the host's network share their ports",
		find: func(c *Container) *Diagnosis {
			m := c.appSays(takenPattern)
			if m == nil || c.Status == Running && c.Health == Healthy {
				return nil
			}
			certainty := Likely
			if c.isDown() {
				certainty = Certain
			}
			return &Diagnosis{Certainty: certainty, Verdict: "the app's port is taken: " + clip(m[0])}
		},
	}
}
