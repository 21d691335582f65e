package why

import (
	"fmt"
	"regexp"
)

var dependencyPattern = regexp.MustCompile(`(?i)[^\n]*(?:dependency|depends on|dependsOn)[^\n]*`)

func waitsForDependency() Cause {
	return Cause{
		ID: "waits-for-dependency", Doc: "The container waits for another to be healthy, which it never is.",
		Signs: []Sign{{onECS, "the container is `PENDING`; `dependsOn` names another with the condition HEALTHY, which has no check, or whose check fails, and no `startTimeout`"}},
		Sure:  "Certain where the one that is waited for has no check; likely otherwise.",
		Do:    "mend the check of the container that is waited for, and give that one a startTimeout",
		find: func(c *Container) *Diagnosis {
			if c.Status == Running {
				return nil
			}
			if c.WaitsFor != "" && c.Status == Waiting {
				return &Diagnosis{Certainty: certainIf(c.warns("depends-on-unchecked")), Verdict: fmt.Sprintf("it waits for %s to be healthy", c.WaitsFor), rules: []string{"depends-on-unchecked", "depends-on-forever"}}
			}
			if m := dependencyPattern.FindString(c.Error); m != "" && c.Platform == ECS {
				return &Diagnosis{Certainty: Likely, Verdict: "a container that it waits for did not do what it waits for: " + clip(m)}
			}
			return nil
		},
	}
}
