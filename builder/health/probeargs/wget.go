package probeargs

// wgetOptions are those of GNU wget and of BusyBox's that health checks use: wget(1).
var wgetOptions = [...]option{
	{"spider", 0, head},
	{"max-redirect", 0, redirects},
	{"method", 0, method},
	{"header", 0, field},
	{"user-agent", 'U', agent},
	{"user", 0, user},
	{"http-user", 0, user},
	{"password", 0, password},
	{"http-password", 0, password},
	{"timeout", 'T', timeout},
	{"read-timeout", 0, timeout},
	{"tries", 't', tries},
	{"inet4-only", '4', ipv4},
	{"inet6-only", '6', ipv6},
	{"output-document", 'O', output},
	{"output-file", 'o', output},
	{"no-check-certificate", 0, insecure},
	{"ca-certificate", 0, caCert},
	{"certificate", 0, cert},
	{"private-key", 0, key},

	{"quiet", 'q', noMatter},
	{"verbose", 'v', noMatter},
	{"", 'n', no},
	{"no-verbose", 0, noMatter},
	{"server-response", 'S', noMatter},
	{"progress", 0, anyValue},
	{"show-progress", 0, noMatter},
	{"content-on-error", 0, noMatter},
	{"auth-no-challenge", 0, noMatter},
	{"no-cache", 0, noMatter},
	{"no-cookies", 0, noMatter},
	{"no-http-keep-alive", 0, noMatter},
	{"no-config", 0, noMatter},
	{"no-hsts", 0, noMatter},
	{"no-proxy", 0, noMatter},
	{"proxy", 'Y', onOff},
	{"connect-timeout", 0, anySeconds},
	{"dns-timeout", 0, anySeconds},
	{"waitretry", 0, anySeconds},
	{"retry-connrefused", 0, noMatter},
}

// finishWget gives the options the meaning that they have together. Of the statuses
// that are no redirects, 300 is a success, as GNU wget has it; and its --spider asks
// with GET again only if it may try twice.
func (c *call) finishWget() error {
	c.cmd.Status = []StatusRange{{200, 300}}
	c.cmd.Follow = 20
	if c.redirects >= 0 {
		c.cmd.Follow = c.redirects
	}
	if c.cmd.Whole = !c.given[head]; !c.cmd.Whole && c.cmd.Method == "" {
		c.cmd.Method, c.cmd.OrGet = "HEAD", !c.once
	}
	return nil
}
