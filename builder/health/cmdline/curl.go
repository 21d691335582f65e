package cmdline

import "errors"

// curlOptions are those of curl that health checks use: curl(1).
var curlOptions = [...]option{
	{'f', "fail", fail},
	{0, "fail-with-body", fail},
	{'I', "head", head},
	{'L', "location", follow},
	{0, "max-redirs", redirects},
	{'X', "request", method},
	{'H', "header", field},
	{'A', "user-agent", agent},
	{'m', "max-time", timeout},
	{'4', "ipv4", ipv4},
	{'6', "ipv6", ipv6},
	{0, "unix-socket", unixSocket},
	{0, "abstract-unix-socket", abstractSocket},
	{0, "url", url},
	{'g', "globoff", globOff},
	{'o', "output", output},
	{'w', "write-out", writeOut},
	{'k', "insecure", insecure},
	{0, "cacert", caCert},
	{'E', "cert", cert},
	{0, "key", key},

	{'s', "silent", noMatter},
	{'S', "show-error", noMatter},
	{'v', "verbose", noMatter},
	{'i', "include", noMatter},
	{'#', "progress-bar", noMatter},
	{0, "no-progress-meter", noMatter},
	{'N', "no-buffer", noMatter},
	{0, "no-keepalive", noMatter},
	{0, "compressed", noMatter},
	{0, "http1.1", noMatter},
	{'q', "disable", noMatter},
	{0, "noproxy", anyValue},
	{0, "connect-timeout", anySeconds},
	{0, "retry", anyCount},
	{0, "retry-delay", anyCount},
	{0, "retry-max-time", anyCount},
	{0, "retry-connrefused", noMatter},
	{0, "retry-all-errors", noMatter},
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
