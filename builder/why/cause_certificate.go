package why

import "regexp"

var tlsPattern = regexp.MustCompile(`(?i)[^\n]*(?:x509|certificate|self.signed|unknown authority|SSL_ERROR|SSL routines|CA cert)[^\n]*`)

func certificate() Cause {
	return Cause{
		ID: "certificate", Doc: "The check does not trust the app's certificate.",
		Signs: []Sign{{anywhere, "`certificate`, `x509` or `self-signed` in what the check writes"}},
		Sure:  "Certain: the check says so.",
		Do:    "give the probe the authority with -cacert, the name with -servername, or do not verify with -insecure (curl: -k); renew a certificate that has expired",
		find: func(c *Container) *Diagnosis {
			if m := c.checkSays(tlsPattern); m != nil && c.failing() {
				return &Diagnosis{Certainty: Certain, Verdict: "the check does not accept the app's certificate: " + clip(m[0])}
			}
			return nil
		},
	}
}
