package why

import "regexp"

var dnsPattern = regexp.MustCompile(`(?i)(?:could ?n[o']t resolve host:? |bad address |unable to resolve host address |lookup |cannot resolve |getaddrinfo )['"\x60‘]?([\w.-]+)|no such host|temporary failure in name resolution|name or service not known`)

func dnsName() Cause {
	return Cause{
		ID: "dns-name", Doc: "The check asks for a host by a name that does not resolve in the container.",
		Signs: []Sign{{anywhere, "`Could not resolve host`, `bad address` or `no such host` in what the check writes"}},
		Sure:  "Certain that the name does not resolve.",
		Do:    "ask 127.0.0.1: a check that leaves the container fails with what it asks, on every replica at once",
		find: func(c *Container) *Diagnosis {
			m := c.checkSays(dnsPattern)
			if m == nil || !c.failing() || c.checkSays(regexp.MustCompile(`(?i)resolve proxy`)) != nil {
				return nil
			}
			name := m[1]
			if name == "" {
				name = c.target().Host
			}
			return &Diagnosis{Certainty: Certain, Verdict: "the check asks for a name that does not resolve in the container: " + name, rules: []string{"localhost"}}
		},
	}
}
