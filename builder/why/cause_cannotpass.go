package why

func cannotPass() Cause {
	rules := []string{"kube-port", "kube-refused", "no-file", "wrong-architecture", "hidden-by-mount", "not-ko-app", "too-slow", "cannot-pass", "ecs-interval", "ecs-timeout", "ecs-retries", "ecs-start-period", "duration-below-1ms"}
	return Cause{
		ID: "cannot-pass", Doc: "The judge finds that the check cannot pass in this container.",
		Signs: []Sign{{anywhere, "kohealth lint finds an error in the check, whatever the platform says"}},
		Sure:  "Certain: the judge refuses only what cannot pass.",
		Do:    "kohealth lint says how to write it",
		find:  refusedBy(rules),
	}
}
