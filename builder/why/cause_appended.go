package why

func appEnded() Cause {
	return Cause{
		ID: "app-ended", Doc: "The app ended by itself, without an error: nothing is left to check.",
		Signs: []Sign{{anywhere, "the container has exited with code 0"}},
		Sure:  "Certain that it ended; a job that is done ends so, too.",
		Do:    "have the app stay in the foreground, or run it as a job",
		find: func(c *Container) *Diagnosis {
			if end, down := c.exited(); down && end.ExitCode == 0 && c.Status != Running && c.Error == "" && !c.OOMKilled {
				return &Diagnosis{Certainty: Certain, Verdict: "the app ended by itself with exit code 0"}
			}
			return nil
		},
	}
}
