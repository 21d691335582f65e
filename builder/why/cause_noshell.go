package why

import "regexp"

var noShellPattern = regexp.MustCompile(`(?i)(?:exec: "?|executable file .?|stat |: )(/bin/(?:ba|da)?sh|sh|bash)["'\x60]?:? (?:stat [^:]*: )?(?:no such file|executable file not found|not found)`)

func noShell() Cause {
	return Cause{
		ID: "no-shell", Doc: "The check is a shell command, and the image has no shell: it never starts, and the app logs nothing.",
		Signs: []Sign{
			{onDocker, "the check's output is `exec: \"/bin/sh\": stat /bin/sh: no such file or directory`, its exit code -1"},
			{onECS, "`UNHEALTHY` and no line in any log: ECS keeps no output of checks"},
			{onKubernetes, "the probe's event says `exec: \"/bin/sh\"`"},
		},
		Sure: "Certain where the runtime or the image says so.",
		Do:   "give the probe a target: kohealth build --health=http://:8080/healthz; or add a shell with --health-tool=busybox",
		find: func(c *Container) *Diagnosis {
			says := c.checkSays(noShellPattern) != nil || c.platformSays(noShellPattern) != nil && c.Status == Running
			if c.Health == Healthy || c.endedItself() || !says && !c.found("no-shell") {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the check needs a shell, which is not in the image" + c.has(), rules: []string{"no-shell", "no-program", "unchecked"}}
		},
	}
}

// found reports whether the judge has found an error by one of the rules.
func (c *Container) found(rules ...string) bool { return c.finding(rules...) != "" }

// finding returns what the judge says by the first of the rules that has found an error.
func (c *Container) finding(rules ...string) string {
	for _, rule := range rules {
		for _, f := range c.Findings {
			if f.Rule == rule && f.Severity == lintError {
				return f.Message
			}
		}
	}
	return ""
}
