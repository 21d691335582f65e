package why

import "fmt"

func stopped() Cause {
	return Cause{
		ID: "stopped", Doc: "Somebody stopped the container from outside: a person, a deployment, or a platform that had found it unhealthy.",
		Signs: []Sign{{anywhere, "exit code 143 (SIGTERM), or 137 (SIGKILL) without a word of memory"}},
		Sure:  "Likely; an app can end with these codes by itself, and the kernel kills with SIGKILL, too.",
		Do:    "look at what stopped it: the service's events on ECS, kubectl describe pod, docker events",
		find: func(c *Container) *Diagnosis {
			end, down := c.exited()
			if !down || c.Status == Running || c.platformSays(failedChecks) != nil || c.OOMKilled || memoryPattern.MatchString(end.Reason) || end.ExitCode != 137 && end.ExitCode != 143 {
				return nil
			}
			verdict := fmt.Sprintf("the container was stopped from outside, with %s", signalOf(end.ExitCode))
			if n := len(c.failures()); n > 0 {
				verdict += fmt.Sprintf(", after %d failed checks", n)
			}
			return &Diagnosis{Certainty: Likely, Verdict: verdict}
		},
	}
}
