package probeargs

import "errors"

// curlOptions are those of curl that health checks use: curl(1).
var curlOptions = [...]option{
	{"fail", 'f', fail},
	{"fail-with-body", 0, fail},
	{"head", 'I', head},
	{"location", 'L', follow},
	{"max-redirs", 0, redirects},
	{"request", 'X', method},
	{"header", 'H', field},
	{"user-agent", 'A', agent},
	{"user", 'u', login},
	{"max-time", 'm', timeout},
	{"ipv4", '4', ipv4},
	{"ipv6", '6', ipv6},
	{"unix-socket", 0, unixSocket},
	{"abstract-unix-socket", 0, abstractSocket},
	{"url", 0, url},
	{"globoff", 'g', globOff},
	{"output", 'o', output},
	{"write-out", 'w', writeOut},
	{"insecure", 'k', insecure},
	{"cacert", 0, caCert},
	{"cert", 'E', cert},
	{"key", 0, key},

	{"silent", 's', noMatter},
	{"show-error", 'S', noMatter},
	{"verbose", 'v', noMatter},
	{"include", 'i', noMatter},
	{"progress-bar", '#', noMatter},
	{"no-progress-meter", 0, noMatter},
	{"no-buffer", 'N', noMatter},
	{"no-keepalive", 0, noMatter},
	{"compressed", 0, noMatter},
	{"http1.1", 0, noMatter},
	{"http2", 0, noMatter},
	{"tlsv1.2", 0, noMatter},
	{"disable", 'q', noMatter},
	{"noproxy", 0, anyValue},
	{"proxy", 'x', proxy},
	{"connect-timeout", 0, anySeconds},
	{"retry", 0, anyCount},
	{"retry-delay", 0, anyCount},
	{"retry-max-time", 0, anyCount},
	{"retry-connrefused", 0, noMatter},
	{"retry-all-errors", 0, noMatter},
}

// finishCurl gives the options the meaning that they have together. Without -f every
// answer is a success, and without -L a redirect is the answer.
func (c *call) finishCurl() error {
	c.cmd.Status = []StatusRange{{200, 999}}
	if c.given[fail] {
		c.cmd.Status[0].To = 399
	}
	if c.cmd.Whole = !c.given[head]; !c.cmd.Whole {
		c.cmd.Method = or(c.cmd.Method, "HEAD")
	}
	switch {
	case len(c.urls) > 1:
		return errors.New("several URLs are given, of which only the last would count: write one")
	case !c.given[follow]:
	case c.redirects == 0:
		return errors.New("option --max-redirs 0 forbids what -L is for: leave one out")
	case c.redirects < 0:
		c.cmd.Follow = maxFollow
	default:
		c.cmd.Follow = c.redirects
	}
	return nil
}
