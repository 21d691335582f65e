package why

import "regexp"

var placePattern = regexp.MustCompile(`(?i)[^\n]*(?:unable to place a task|no container instance met|RESOURCE:|FailedScheduling|Insufficient (?:cpu|memory)|capacity is unavailable)[^\n]*`)

func notPlaced() Cause {
	return Cause{
		ID: "not-placed", Doc: "The platform finds no place to run the container.",
		Signs: []Sign{
			{onECS, "`unable to place a task` among the service's events"},
			{onKubernetes, "`FailedScheduling`"},
		},
		Sure: "Certain: the platform says so.",
		Do:   "add capacity, or ask for less processor and memory",
		find: func(c *Container) *Diagnosis {
			if m := c.platformSays(placePattern); m != nil && c.Status == Waiting {
				return &Diagnosis{Certainty: Certain, Verdict: "there is no place to run it: " + clip(m[0])}
			}
			return nil
		},
	}
}
