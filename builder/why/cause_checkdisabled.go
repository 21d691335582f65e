package why

func checkDisabled() Cause {
	return Cause{
		ID: "check-disabled", Doc: "The check is switched off, so nobody knows whether the app works.",
		Signs: []Sign{{onDocker, "the check's test is `NONE`: --no-healthcheck, `disable: true` in Compose, HEALTHCHECK NONE"}},
		Sure:  "Certain.",
		Do:    "leave out --no-healthcheck, disable: true or HEALTHCHECK NONE; kohealth build gives the image a check",
		find: func(c *Container) *Diagnosis {
			if c.Status != Running || c.Check == nil || len(c.Check.Test) == 0 || c.Check.Test[0] != "NONE" {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the check is disabled: nothing reports whether the app works"}
		},
	}
}
