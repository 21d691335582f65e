package why

import "net/http"

func notFound() Cause {
	return Cause{
		ID: "not-found", Doc: "The app answers, and has nothing at the path that the check asks for.",
		Signs: []Sign{
			{anywhere, "404 or 405 in what the check writes"},
			{onECS, "the load balancer's health checks fail with 404"},
		},
		Sure: "Certain: the app has answered.",
		Do:   "mend the path in the check, or have the app answer it; kohealth init finds the health routes in the app's source",
		find: func(c *Container) *Diagnosis {
			status, words := c.httpStatus()
			if !c.failing() || status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
				return nil
			}
			what := "the app has nothing at the check's path"
			if path := c.path(); path != "" {
				what = "the app has nothing at " + path
			}
			return &Diagnosis{Certainty: Certain, Verdict: what + ": it answers " + http.StatusText(status) + " (" + itoa(status) + ")" + clipped(words, status)}
		},
	}
}
