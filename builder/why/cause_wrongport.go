package why

import "fmt"

func wrongPort() Cause {
	return Cause{
		ID: "wrong-port", Doc: "The app listens, and on another port than the check asks.",
		Signs: []Sign{
			{onDocker, "the connection is refused; the app's sockets, where this machine shows them, or the log or EXPOSE name another port"},
			{onECS, "the connection is refused; portMappings name another port"},
			{onKubernetes, "the connection is refused; the container's ports are others"},
		},
		Sure: "Certain where the app's sockets are seen, which takes an engine on this machine and the right to look; likely where only the log, EXPOSE or a mapping names a port.",
		Do:   "ask the port that the app listens on, or set the variable from which the app takes its port",
		find: func(c *Container) *Diagnosis {
			t := c.target()
			if !c.failing() || c.checkSays(refusedPattern) == nil || t.Port == 0 {
				return nil
			}
			if c.Sockets != nil {
				if len(c.Sockets.Listens) == 0 || len(c.Sockets.on(t.Port)) > 0 {
					return nil
				}
				return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the check asks port %d, and the app listens on %s", t.Port, c.Sockets.describe()), rules: []string{"other-port"}}
			}
			if said := c.saidPort(); said != 0 && said != t.Port {
				return &Diagnosis{Certainty: Likely, Verdict: fmt.Sprintf("the check asks port %d, and the app seems to listen on port %d", t.Port, said), rules: []string{"other-port"}}
			}
			return nil
		},
	}
}
