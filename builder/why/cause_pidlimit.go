package why

import (
	"fmt"
	"regexp"
)

var forkPattern = regexp.MustCompile(`(?i)resource temporarily unavailable|can't fork|cannot fork|fork failed|pthread_create failed|newosproc|EAGAIN|retry: no child processes|may need to increase max user processes`)

// earlyPattern matches what runc says when its own processes die before the program
// starts.
var earlyPattern = regexp.MustCompile(`(?i)procReady|nsexec|process_linux\.go|unexpected EOF|error executing setns|setns process|init: clone|read init-p`)

func pidLimit() Cause {
	return Cause{
		ID: "pid-limit", Doc: "The container may start no more processes or threads, so its check cannot start.",
		Signs: []Sign{
			{onDocker, "`resource temporarily unavailable`, or an error of runc's, and `HostConfig.PidsLimit`"},
			{onECS, "`pidLimit` in the Linux parameters, or `nproc` among the ulimits"},
		},
		Sure: "Certain where the limit is known and a process is refused; likely where only the refusal is seen.",
		Do:   "raise --pids-limit (Compose: pids_limit, ECS: linuxParameters), and have the app reap its children: Go's runtime and each check need threads of their own",
		find: func(c *Container) *Diagnosis {
			if !c.failing() {
				return nil
			}
			limit := ""
			if c.PIDs > 0 {
				limit = fmt.Sprintf(" (limit %d)", c.PIDs)
			}
			switch {
			case c.checkSays(forkPattern) != nil:
				return &Diagnosis{Certainty: certainIf(c.PIDs > 0), Verdict: "the check cannot start: no more processes may run in the container" + limit}
			case c.PIDs > 0 && c.checkSays(earlyPattern) != nil:
				return &Diagnosis{Certainty: Likely, Verdict: "the check cannot start: no more processes may run in the container" + limit}
			}
			return nil
		},
	}
}
