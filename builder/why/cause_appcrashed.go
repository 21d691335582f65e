package why

import (
	"fmt"
	"regexp"
)

var panicPattern = regexp.MustCompile(`^(?:panic: |fatal error: |SIG[A-Z]+: |runtime error|goroutine stack exceeds)[^\n]*`)

func appCrashed() Cause {
	return Cause{
		ID: "app-crashed", Doc: "The app ended by itself with an error.",
		Signs: []Sign{
			{onDocker, "the container has exited with another code than 0, 137 and 143, or is started again and again"},
			{onECS, "`Essential container in task exited`, with the container's exit code"},
			{onKubernetes, "`CrashLoopBackOff`, with the last state's exit code"},
		},
		Sure: "Certain: nobody else ends a process with such a code.",
		Do:   "read the container's log from before it ended: docker logs, aws logs tail, kubectl logs --previous",
		find: func(c *Container) *Diagnosis {
			end, down := c.exited()
			if c.Status == Running && c.Restarts > 0 && c.Health != Healthy && !down {
				return &Diagnosis{Certainty: Likely, Verdict: fmt.Sprintf("the app ends again and again: it was restarted %d times%s", c.Restarts, c.lastWords())}
			}
			if !down || end.ExitCode <= 0 || end.ExitCode == 137 || end.ExitCode == 143 || c.Started.IsZero() && end.Reason != "" && c.Platform == Docker {
				return nil
			}
			if c.explains(outOfMemory, cannotStart, readOnly, portTaken, missingVariable, architecture) {
				return nil
			}
			verdict := fmt.Sprintf("the app crashed with exit code %d", end.ExitCode)
			if name := signalOf(end.ExitCode); name != "" {
				verdict += " (" + name + ")"
			}
			return &Diagnosis{Certainty: certainIf(c.isDown()), Verdict: verdict + c.lastWords()}
		},
	}
}

// lastWords returns why the app panicked, or what it wrote last, for the end of a verdict.
func (c *Container) lastWords() string {
	if m := c.appSays(panicPattern); m != nil {
		return ": " + clip(m[0])
	}
	if line := c.lastLine(); line != "" {
		return ": " + clip(line)
	}
	return ""
}

// certainIf returns Certain, or Likely.
func certainIf(sure bool) Certainty {
	if sure {
		return Certain
	}
	return Likely
}
