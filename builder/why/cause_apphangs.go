package why

import "fmt"

func appHangs() Cause {
	return Cause{
		ID: "app-hangs", Doc: "The app takes connections, or the kernel does in its name, and never answers: it hangs.",
		Signs: []Sign{
			{onDocker, "checks time out, and connections that nobody accepts, or that were given up long ago, pile up at the app's port"},
			{anywhere, "checks time out that passed quickly before"},
		},
		Sure: "Certain where the app's sockets are seen; likely where checks had passed in time before.",
		Do:   "have Go say where it hangs: docker kill -s QUIT NAME writes all goroutines into the log, and ends the app; look for locks, for a database that does not answer, and set timeouts",
		find: func(c *Container) *Diagnosis {
			if !c.failing() || !c.failures()[0].isTimeout() {
				return nil
			}
			if s, port := c.Sockets, uint16(c.target().Port); s != nil && port != 0 {
				return c.hangs(s.Waiting[port]+s.Unanswered[port], port)
			}
			for _, run := range c.Runs {
				if run.ExitCode == 0 && run.took() > 0 && run.took() < c.timeout()/10 {
					return &Diagnosis{Certainty: Likely, Verdict: fmt.Sprintf("the app hangs: a check passed in %s before, and now none does in %s", run.took(), c.timeout())}
				}
			}
			return nil
		},
	}
}

// hangs returns that the app hangs, if none of the checks that have failed was ever
// answered, not even too late.
func (c *Container) hangs(pending int, port uint16) *Diagnosis {
	const many = 3
	failed := c.failures()
	if pending == 0 || pending < max(c.Streak, len(failed)) {
		return nil
	}
	oldest := failed[min(pending, len(failed))-1]
	waits := c.Now.Sub(oldest.Start)
	if pending < many && waits < many*c.timeout() {
		return nil
	}
	return &Diagnosis{Certainty: certainIf(pending >= many), Verdict: fmt.Sprintf("the app hangs: on port %d it has answered none of the last %d checks, not even late", port, pending)}
}
