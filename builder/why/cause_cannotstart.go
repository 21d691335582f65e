package why

import "regexp"

var startPattern = regexp.MustCompile(`(?i)(?:exec: "?|executable file )([^": ]+)"?:? (?:executable file not found|not found|stat [^:]+: no such file|no such file|permission denied)[^\n]*|CannotStartContainer\w*[^\n]*|CreateContainer(?:Config)?Error|RunContainerError|StartError|port is already allocated`)

func cannotStart() Cause {
	return Cause{
		ID: "cannot-start", Doc: "The container cannot be started: its program is not in the image or not executable, or a port or mount is not to be had.",
		Signs: []Sign{
			{onDocker, "`State.Error`, exit code 126, 127 or 128, and no line of the app's"},
			{onECS, "`CannotStartContainerError`"},
			{onKubernetes, "`CreateContainerError`, `RunContainerError` or `StartError`"},
		},
		Sure: "Certain: the platform says what it could not do.",
		Do:   "start what is in the image: for images of ko that is /ko-app/NAME, which is the entrypoint already",
		find: func(c *Container) *Diagnosis {
			if c.Status == Running {
				return nil
			}
			if m := c.platformSays(startPattern); m != nil {
				return &Diagnosis{Certainty: Certain, Verdict: "the container cannot be started: " + clip(m[0])}
			}
			if c.Error != "" && c.Status == Exited && (c.Platform == Docker || c.Platform == Podman) {
				return &Diagnosis{Certainty: Certain, Verdict: "the container cannot be started: " + clip(c.Error)}
			}
			return nil
		},
	}
}
