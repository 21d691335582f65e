package why

func paused() Cause {
	return Cause{
		ID: "paused", Doc: "The container is paused: neither the app nor its check runs.",
		Signs: []Sign{{onDocker, "`State.Paused`"}},
		Sure:  "Certain.",
		Do:    "docker unpause NAME",
		find: func(c *Container) *Diagnosis {
			if c.Status != Paused {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the container is paused"}
		},
	}
}
