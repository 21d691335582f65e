package why

import "fmt"

func appHangs() Cause {
	const many = 3 // requests that were given up, and of which the app has not noticed
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
			t := c.target()
			if s, port := c.Sockets, uint16(t.Port); s != nil && t.Port != 0 {
				switch {
				case s.Waiting[port] > 0:
					return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the app hangs: %d connections to port %d wait, and it accepts none", s.Waiting[port], port)}
				case s.Unanswered[port] >= many:
					return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the app hangs: it has not answered %d checks that were given up", s.Unanswered[port])}
				}
				return nil
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
