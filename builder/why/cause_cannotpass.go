package why

func cannotPass() Cause {
	rules := []string{"kube-port", "kube-refused", "no-file", "wrong-architecture", "hidden-by-mount", "not-ko-app", "too-slow", "cannot-pass", "ecs-interval", "ecs-timeout", "ecs-retries", "ecs-start-period", "duration-below-1ms"}
	return Cause{
		ID: "cannot-pass", Doc: "The judge finds that the check cannot pass in this container.",
		Signs: []Sign{{anywhere, "kohealth lint finds an error in the check, whatever the platform says"}},
		Sure:  "Certain: the judge refuses only what cannot pass.",
		Do:    "kohealth lint says how to write it",
		find: func(c *Container) *Diagnosis {
			message := c.finding(rules...)
			if message == "" || c.Health == Healthy || c.endedItself() {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the check cannot pass: " + message, rules: rules}
		},
	}
}
