package why

import (
	"regexp"
	"slices"

	"github.com/ko-health/kohealth/builder/lint"
)

const lintError = lint.Error

var (
	noProgramPattern = regexp.MustCompile(`(?i)exec: "?([^": ]+)"?: (?:stat [^:]+: )?(?:no such file|executable file not found)|executable file .([^'"\x60 ]+). not found|(?:^|\n|: )(?:line )?(?:\d+: )?([\w./-]+): (?:command )?not found|stat ([^:\s]+): no such file`)
	noCommandCode    = 127
)

func noProgram() Cause {
	return Cause{
		ID: "no-program", Doc: "A program that the check runs is not in the image.",
		Signs: []Sign{
			{onDocker, "`executable file not found in $PATH` and exit code -1; from a shell `curl: not found` and exit code 127"},
			{onECS, "`UNHEALTHY` and no line in any log"},
			{onKubernetes, "the probe's event says `executable file not found`"},
		},
		Sure: "Certain where the runtime, the shell or the image says so.",
		Do:   "call a program that is in the image, or give the probe a target: kohealth build --health=http://:8080/healthz",
		find: func(c *Container) *Diagnosis {
			if c.Health == Healthy || c.endedItself() || c.explains(noShell) {
				return nil
			}
			name := ""
			if m := c.checkSays(noProgramPattern); m != nil {
				name = m[1] + m[2] + m[3] + m[4]
			}
			message := c.finding("no-program", "missing-library")
			switch {
			case isShell(name):
				return nil
			case message != "" && c.Check.Test[0] != "NONE":
				return &Diagnosis{Certainty: Certain, Verdict: message + c.has(), rules: []string{"no-program", "missing-library"}}
			case slices.Contains(c.Run.Written, name):
				return &Diagnosis{Certainty: Certain, Verdict: name + " cannot be run: its interpreter, which its first line names, or its loader is not in the container" + c.has()}
			case name != "":
				return &Diagnosis{Certainty: Certain, Verdict: name + ", which the check runs, is not in the image" + c.has(), rules: []string{"no-program", "missing-library", "no-shell"}}
			case c.failing() && c.failures()[0].ExitCode == noCommandCode:
				return &Diagnosis{Certainty: Likely, Verdict: "the check ends with code 127: its shell does not find a program" + c.has()}
			}
			return nil
		},
	}
}

func isShell(name string) bool {
	return regexp.MustCompile(`^(/bin/)?(ba|da|a)?sh$`).MatchString(name)
}
