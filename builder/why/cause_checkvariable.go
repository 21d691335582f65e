package why

import "regexp"

var checkUnsetPattern = regexp.MustCompile(`(?i)variable "?([A-Za-z_]\w*)"? (?:\S+ )?is not set|([A-Za-z_]\w*): (?:parameter not set|unbound variable)|\$([A-Za-z_]\w*) is not set`)

func checkVariable() Cause {
	return Cause{
		ID: "check-variable", Doc: "The check names a variable that is not set in the container.",
		Signs: []Sign{{anywhere, "the probe says that the variable is not set; curl and wget complain about the URL"}},
		Sure:  "Certain where the check says so, or the container's environment is known.",
		Do:    "set the variable where the container is run, or write ${PORT:-8080}, which has a default",
		find: func(c *Container) *Diagnosis {
			if c.Health == Healthy || c.endedItself() {
				return nil
			}
			if m := c.checkSays(checkUnsetPattern); m != nil {
				return &Diagnosis{Certainty: Certain, Verdict: "the check needs the variable " + m[1] + m[2] + m[3] + ", which is not set in the container", rules: []string{"no-variable"}}
			}
			if message := c.finding("no-variable"); message != "" {
				return &Diagnosis{Certainty: Certain, Verdict: message, rules: []string{"no-variable"}}
			}
			return nil
		},
	}
}
