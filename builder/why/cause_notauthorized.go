package why

import "net/http"

func notAuthorized() Cause {
	return Cause{
		ID: "not-authorized", Doc: "The app asks the check to log in.",
		Signs: []Sign{{anywhere, "401 or 403 in what the check writes"}},
		Sure:  "Certain: the app has answered. A proxy can answer so, too: see `proxy`.",
		Do:    "have the app answer the check's path without logging in, or give the probe a header: -header 'Authorization: …'",
		find: func(c *Container) *Diagnosis {
			status, words := c.httpStatus()
			if !c.failing() || status != http.StatusUnauthorized && status != http.StatusForbidden {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the app does not let the check in: " + itoa(status) + " " + http.StatusText(status) + clipped(words, status)}
		},
	}
}
