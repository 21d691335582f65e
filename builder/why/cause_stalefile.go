package why

import "regexp"

var stalePattern = regexp.MustCompile(`(?i)modified [^\n]* ago, more than [^\n]*`)

func staleFile() Cause {
	return Cause{
		ID: "stale-file", Doc: "The app no longer touches the file that shows that it is alive.",
		Signs: []Sign{{anywhere, "`modified … ago, more than …` in what the probe writes"}},
		Sure:  "Certain: the file's time says so.",
		Do:    "look for what holds up the app's loop, or give max_age more room than one turn of it takes",
		find: func(c *Container) *Diagnosis {
			if m := c.checkSays(stalePattern); m != nil && c.failing() {
				return &Diagnosis{Certainty: Certain, Verdict: "the app does not get on: its file was " + clip(m[0])}
			}
			return nil
		},
	}
}
