package why

import "regexp"

var readOnlyPattern = regexp.MustCompile(`(?i)[^\n]*(?:read-only file system|EROFS)[^\n]*`)

func readOnly() Cause {
	return Cause{
		ID: "read-only", Doc: "The app, or the check, writes into a file system that is read-only.",
		Signs: []Sign{{anywhere, "`read-only file system` in the app's log, or in what the check writes"}},
		Sure:  "Certain if the check says so, or the app with its last lines before it ended; likely otherwise.",
		Do:    "mount something writable where it writes, such as a tmpfs over /tmp, or leave out the read-only root file system",
		find: func(c *Container) *Diagnosis {
			if m := c.checkSays(readOnlyPattern); m != nil && c.failing() {
				return &Diagnosis{Certainty: Certain, Verdict: "the check writes into a read-only file system: " + clip(m[0]), rules: []string{"saves-file"}}
			}
			m := c.appSays(readOnlyPattern)
			if m == nil || c.Status == Running && c.Health == Healthy {
				return nil
			}
			certainty := Likely
			if c.isDown() {
				certainty = Certain
			}
			return &Diagnosis{Certainty: certainty, Verdict: "the app writes into a read-only file system: " + clip(m[0])}
		},
	}
}
