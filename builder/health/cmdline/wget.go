package cmdline

// wgetOptions are those of GNU wget and of BusyBox's that health checks use: wget(1).
var wgetOptions = [...]option{
	{0, "spider", head},
	{0, "max-redirect", redirects},
	{0, "method", method},
	{0, "header", field},
	{'U', "user-agent", agent},
	{'T', "timeout", timeout},
	{0, "read-timeout", timeout},
	{'t', "tries", tries},
	{'4', "inet4-only", ipv4},
	{'6', "inet6-only", ipv6},
	{'O', "output-document", output},
	{'o', "output-file", output},
	{0, "no-check-certificate", insecure},
	{0, "ca-certificate", caCert},
	{0, "certificate", cert},
	{0, "private-key", key},

	{'q', "quiet", noMatter},
	{'v', "verbose", noMatter},
	{'n', "", no},
	{0, "no-verbose", noMatter},
	{'S', "server-response", noMatter},
	{0, "progress", anyValue},
	{0, "show-progress", noMatter},
	{0, "content-on-error", noMatter},
	{0, "no-cache", noMatter},
	{0, "no-cookies", noMatter},
	{0, "no-http-keep-alive", noMatter},
	{0, "no-config", noMatter},
	{0, "no-hsts", noMatter},
	{0, "no-proxy", noMatter},
	{'Y', "proxy", onOff},
	{0, "connect-timeout", anySeconds},
	{0, "dns-timeout", anySeconds},
	{0, "waitretry", anySeconds},
	{0, "retry-connrefused", noMatter},
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
