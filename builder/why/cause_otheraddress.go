package why

import (
	"fmt"
	"net/netip"
)

func otherAddress() Cause {
	return Cause{
		ID: "other-address", Doc: "The app listens on the port that the check asks, and on another address: 127.0.0.1 is not ::1, nor the container's own.",
		Signs: []Sign{
			{anywhere, "the connection to localhost, ::1 or the container's address is refused, and one to another address is not"},
			{onKubernetes, "the kubelet asks the pod's address, and the app listens on 127.0.0.1"},
		},
		Sure: "Certain where the app's sockets are seen; possible where a pod's address refuses the connection.",
		Do:   "have the app listen on all addresses, as in :8080, or ask the address that it listens on",
		find: func(c *Container) *Diagnosis {
			t := c.target()
			if !c.failing() || c.checkSays(refusedPattern) == nil || t.Port == 0 || c.Sockets == nil {
				return nil
			}
			at := c.Sockets.on(t.Port)
			if len(at) == 0 || answers(at, t.Host) {
				return nil
			}
			return &Diagnosis{Certainty: Certain, Verdict: fmt.Sprintf("the check asks %s, and the app listens on %s only", t, at[0]), rules: []string{"localhost"}}
		},
	}
}

// answers reports whether one of the addresses takes connections to a host.
func answers(at []netip.AddrPort, host string) bool {
	asked, err := netip.ParseAddr(host)
	for _, a := range at {
		addr := a.Addr()
		switch {
		case addr.IsUnspecified() && (addr.Is6() || err != nil || asked.Is4()):
			return true
		case err == nil && addr == asked:
			return true
		}
	}
	return false
}
