package why

import "regexp"

var unsetPattern = regexp.MustCompile(`(?i)[^\n]*(?:\b[A-Z][A-Z0-9_]{2,}\b[^\n]{0,40}\b(?:not set|unset|is required|required|missing|must be set|is empty|not defined|undefined|not found)|(?:missing|required|unset|undefined)[^\n]{0,40}\b(?:variable|env(?:ironment)?)\b)[^\n]*`)

func missingVariable() Cause {
	return Cause{
		ID: "missing-variable", Doc: "The app ends because an environment variable is not set.",
		Signs: []Sign{{anywhere, "the container has ended, and its last lines name a variable that is not set"}},
		Sure:  "Likely: it is what the app says with its last lines.",
		Do:    "set the variable: docker run -e NAME=VALUE, environment or secrets in the task definition, env in the pod",
		find: func(c *Container) *Diagnosis {
			if !c.isDown() || c.exitCode() == 0 {
				return nil
			}
			for _, line := range last(c.Log, maxLines) {
				if m := unsetPattern.FindString(line.Text); m != "" {
					return &Diagnosis{Certainty: Likely, Verdict: "the app ended for want of a variable: " + clip(m)}
				}
			}
			return nil
		},
	}
}
