package why

func noCheck() Cause {
	return Cause{
		ID: "no-check", Doc: "Nothing checks the container: it passes for alive as long as its process is.",
		Signs: []Sign{
			{onDocker, "neither the image has a HEALTHCHECK, nor was one given when it was run; Podman reads none from images in OCI's format"},
			{onECS, "an essential container without `healthCheck`: the task's health is `UNKNOWN`"},
			{onKubernetes, "a container without probes"},
		},
		Sure: "Certain.",
		Do:   "kohealth build --health=http://:8080/healthz ./cmd/app   # gives the image a check; kohealth render prints it for ECS and Kubernetes",
		find: func(c *Container) *Diagnosis {
			if c.Status != Running || c.Check != nil && len(c.Check.Test) > 0 || c.Health == Healthy || c.Health == Unhealthy || !c.Essential || c.Service || !c.defined || c.found("ecs-ignores-image") {
				return nil
			}
			verdict := "the container has no health check"
			if c.Platform == Podman {
				verdict += " that Podman reads: it takes none from images in OCI's format"
			}
			return &Diagnosis{Certainty: Certain, Verdict: verdict, rules: []string{"unchecked", "essential-unchecked"}}
		},
	}
}

func ignoredCheck() Cause {
	return Cause{
		ID: "check-ignored", Doc: "The image has a check that the platform does not run.",
		Signs: []Sign{
			{onECS, "the image has a HEALTHCHECK, the container definition no `healthCheck`"},
		},
		Sure: "Certain.",
		Do:   "kohealth render IMAGE prints the check for the platform",
		find: func(c *Container) *Diagnosis {
			message := c.finding("ecs-ignores-image")
			if message == "" || c.Status != Running {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: message, rules: []string{"ecs-ignores-image"}}
		},
	}
}
