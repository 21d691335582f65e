package why

import "regexp"

var configurePattern = regexp.MustCompile(`(?i)[^\n]*(?:ResourceInitializationError|unable to pull secrets|secret "[^"]*" not found|configmap "[^"]*" not found|couldn't find key|CreateContainerConfigError|failed to invoke EFS|MountVolume)[^\n]*`)

func cannotConfigure() Cause {
	return Cause{
		ID: "cannot-configure", Doc: "The platform cannot get what the container needs before it starts: secrets, volumes, logs.",
		Signs: []Sign{
			{onECS, "the task stops with `ResourceInitializationError`"},
			{onKubernetes, "`CreateContainerConfigError`, or an event about a secret, a config map or a volume"},
		},
		Sure: "Certain: the platform says so.",
		Do:   "check that what is named is there, that the task's execution role may read it, and that the network leads there",
		find: func(c *Container) *Diagnosis {
			if m := c.platformSays(configurePattern); m != nil && c.Status != Running {
				return &Diagnosis{Certainty: Certain, Verdict: "what the container needs is not to be had: " + clip(m[0])}
			}
			return nil
		},
	}
}
