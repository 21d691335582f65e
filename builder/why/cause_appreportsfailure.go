package why

import "net/http"

func appReportsFailure() Cause {
	return Cause{
		ID: "app-reports-failure", Doc: "The app answers that it does not work: the check does what it is for.",
		Signs: []Sign{{anywhere, "a status of 500 and more, or gRPC's NOT_SERVING, in what the check writes"}},
		Sure:  "Certain: the app has answered.",
		Do:    "read why in the answer and in the app's log; if it names a database or another service, the app cannot do without, have that one checked elsewhere: restarting the app does not mend it",
		find: func(c *Container) *Diagnosis {
			if !c.failing() {
				return nil
			}
			if m := c.checkSays(servingPattern); m != nil {
				return &Diagnosis{Certainty: Certain, Verdict: "the app itself says that it does not work: " + clip(m[0])}
			}
			status, words := c.httpStatus()
			if status < http.StatusInternalServerError {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the app itself says that it does not work: " + itoa(status) + " " + http.StatusText(status) + clipped(words, status)}
		},
	}
}
