package why

func unlogged() Cause {
	return Cause{
		ID: "unlogged", Doc: "The check fails, and nothing was kept of what it said.",
		Signs: []Sign{{onECS, "`UNHEALTHY`, or `failed container health checks`, and no line about it in the container's log: ECS keeps no output of checks"}},
		Sure:  "Certain that nothing is known; it is told only if no other cause is found.",
		Do:    "build the image with kohealth, whose probe writes why a check fails into the container's log, with the awslogs driver into CloudWatch; kohealth render prints the healthCheck for the task definition",
		find: func(c *Container) *Diagnosis {
			if c.Health != Unhealthy || c.Service || len(c.Runs) > 0 || c.endedItself() || c.OOMKilled {
				return nil
			}
			if c.explains(noShell, noProgram, cannotExecute, checkVariable, checkCommand, cannotPass) {
				return nil
			}
			verdict := "the check fails, and nothing was kept of what it said: cannot tell why"
			if c.Platform == ECS {
				verdict += "; ECS keeps no output of checks, and the container's log has no line of the probe's"
			}
			return &Diagnosis{Certainty: Likely, Verdict: verdict}
		},
	}
}
