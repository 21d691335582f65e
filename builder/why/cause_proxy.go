package why

import (
	"regexp"
	"strings"
)

var proxyPattern = regexp.MustCompile(`(?i)resolve proxy|proxy CONNECT|proxy authentication|from proxy|via proxy|\bproxy\b`)

func proxy() Cause {
	return Cause{
		ID: "proxy", Doc: "http_proxy and its kin are set in the container, so curl or wget asks a proxy for what is in the container itself.",
		Signs: []Sign{{anywhere, "`Could not resolve proxy`, a refused connection to the proxy's port, or the proxy's own 403, 502 or 503"}},
		Sure:  "Certain where the check names the proxy; likely where the variable is set and curl or wget fails.",
		Do:    "call curl --noproxy '*' or wget -Y off, set no_proxy=localhost,127.0.0.1, or use kohealth's probe, which knows no proxies",
		find: func(c *Container) *Diagnosis {
			if !c.failing() {
				return nil
			}
			variable, host := c.proxyVariable()
			says := c.checkSays(proxyPattern) != nil || host != "" && c.checkSays(regexp.MustCompile(regexp.QuoteMeta(host))) != nil
			switch {
			case says:
				return &Diagnosis{Certainty: Certain, Verdict: "the check asks a proxy" + named(variable) + " for what is in the container", rules: []string{"proxy"}}
			case variable != "" && c.warns("proxy"):
				return &Diagnosis{Certainty: Likely, Verdict: "the check asks a proxy" + named(variable) + " for what is in the container", rules: []string{"proxy"}}
			}
			return nil
		},
	}
}

func named(variable string) string {
	if variable == "" {
		return ""
	}
	return " (" + variable + " is set)"
}

// proxyVariable returns the variable that names a proxy, and the proxy's host.
func (c *Container) proxyVariable() (name, host string) {
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		value := c.Run.Env[name]
		if value == "" {
			continue
		}
		if t, ok := targetIn(value); ok {
			return name, t.Host
		}
		host, _, _ = strings.Cut(value, ":")
		return name, host
	}
	return "", ""
}

// warns reports whether the judge has found anything by a rule.
func (c *Container) warns(rule string) bool {
	for _, f := range c.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}
