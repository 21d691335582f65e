package why

import "regexp"

var deniedPattern = regexp.MustCompile(`(?i)exec: "?([^": ]+)"?: permission denied|([\w./-]+): permission denied|operation not permitted|unable to find user|no matching entries in passwd`)

func cannotExecute() Cause {
	const code = 126
	return Cause{
		ID: "cannot-execute", Doc: "The container's user may not execute the check's program.",
		Signs: []Sign{{anywhere, "`permission denied` from the runtime and exit code -1, or from a shell and exit code 126"}},
		Sure:  "Certain where the runtime, the shell or the image says so.",
		Do:    "make the program executable for everybody (mode 0555), or run the container as a user who may",
		find: func(c *Container) *Diagnosis {
			if c.Health == Healthy || c.endedItself() {
				return nil
			}
			who := c.Run.User
			if who == "" {
				who = "root"
			}
			m := c.checkSays(deniedPattern)
			message := c.finding("user-cannot-execute", "not-executable")
			rules := []string{"user-cannot-execute", "not-executable"}
			switch {
			case m != nil && m[1]+m[2] != "":
				return &Diagnosis{Certainty: Certain, Verdict: "the user (" + who + ") may not execute " + m[1] + m[2] + ": permission denied", rules: rules}
			case m != nil:
				return &Diagnosis{Certainty: Likely, Verdict: "the check may not run as " + who + ": " + clip(m[0]), rules: rules}
			case message != "":
				return &Diagnosis{Certainty: Certain, Verdict: message, rules: rules}
			case c.failing() && c.failures()[0].ExitCode == code:
				return &Diagnosis{Certainty: Likely, Verdict: "the check ends with code 126: its shell may not execute a program"}
			}
			return nil
		},
	}
}
