package why

import "regexp"

var protocolPattern = regexp.MustCompile(`(?i)[^\n]*(?:TLS alert|plain HTTP|wrong version number|HTTP response to HTTPS|HTTP request to an HTTPS|not TLS|is not HTTP|speaks TLS|speak HTTP/2|received HTTP/0\.9|malformed HTTP|empty reply from server)[^\n]*`)

func protocol() Cause {
	return Cause{
		ID: "protocol", Doc: "The check speaks another protocol than the app does on that port: HTTP for HTTPS, HTTP for gRPC, or the other way round.",
		Signs: []Sign{{anywhere, "`the port speaks TLS`, `wrong version number`, `HTTP response to HTTPS client` or `malformed HTTP` in what the check writes"}},
		Sure:  "Certain: the check has read an answer of another kind.",
		Do:    "write https:// for http://, grpc:// for a gRPC server, or the other way round",
		find: func(c *Container) *Diagnosis {
			if m := c.checkSays(protocolPattern); m != nil && c.failing() {
				return &Diagnosis{Certainty: Certain, Verdict: "the app speaks another protocol: " + clip(m[0])}
			}
			return nil
		},
	}
}
