package why

import (
	"regexp"
	"strconv"
	"strings"
)

func refused() Cause {
	return Cause{
		ID: "refused", Doc: "Nothing accepts connections where the check asks, and it is not seen why.",
		Signs: []Sign{{anywhere, "`connection refused` in what the check writes"}},
		Sure:  "Likely: that nothing listens there is certain; whether the app listens elsewhere, or not yet, is not seen.",
		Do:    "see where the app listens: its log; kohealth why docker:NAME on the engine's own machine, as root; kohealth try",
		find: func(c *Container) *Diagnosis {
			if !c.failing() || c.checkSays(refusedPattern) == nil {
				return nil
			}
			if c.explains(wrongPort, otherAddress, notReady, proxy) {
				return nil
			}
			return &Diagnosis{Certainty: Likely, Verdict: "nothing accepts connections at " + c.target().String()}
		},
	}
}

var listenPattern = regexp.MustCompile(`(?i)\b(?:listen|serv|start|bound|running)[a-z]*\b[^\n]*?(?::|port[ =:]+)(\d{2,5})\b`)

// saidPort returns the port that the app's log, the image or a mapping names, or 0.
func (c *Container) saidPort() int {
	if m := c.appSays(listenPattern); m != nil {
		if port, err := strconv.Atoi(m[1]); err == nil {
			return port
		}
	}
	if port, err := strconv.Atoi(strings.TrimSpace(c.Run.Env["PORT"])); err == nil {
		return port
	}
	if len(c.Run.Ports) == 1 {
		return c.Run.Ports[0]
	}
	return 0
}
