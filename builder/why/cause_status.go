package why

import "net/http"

func otherStatus() Cause {
	return Cause{
		ID: "status", Doc: "The app answers with a status that the check does not take for healthy.",
		Signs: []Sign{{anywhere, "another status, such as 301, 400 or 429, in what the check writes"}},
		Sure:  "Certain: the app has answered.",
		Do:    "ask for a path that answers 200, or say which status is healthy: the probe's -status 200-399",
		find: func(c *Container) *Diagnosis {
			status, words := c.httpStatus()
			switch status {
			case 0, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized, http.StatusForbidden:
				return nil
			}
			if !c.failing() || status >= http.StatusInternalServerError {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the app answers " + itoa(status) + " " + http.StatusText(status) + ", which the check does not take for healthy" + clipped(words, status)}
		},
	}
}
