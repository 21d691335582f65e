package probeargs

import "errors"

// A meaning is what an option says. Several can say the same.
type meaning uint8

const (
	// Nothing that makes a difference: the probe prints nothing when all is well, tries
	// once since those who call it try again, and is in need of no proxy.
	noMatter meaning = iota
	fail
	head
	follow
	globOff
	ipv4
	ipv6
	insecure
	lastSwitch = insecure

	// Those that follow take a value.
	anyValue meaning = iota
	anyCount
	anySeconds
	no // and the second letter of an option of two
	onOff
	output
	writeOut
	url
	method
	field
	agent
	login // user and password
	user
	password
	proxy
	timeout
	tries
	redirects
	caCert
	cert
	key
	unixSocket
	abstractSocket
)

// set notes an option with a value.
func (c *call) set(m meaning, value string) error {
	switch m {
	case anyCount:
		return checkCount(value)
	case anySeconds:
		return checkSeconds(value)
	case no, onOff:
		return checkWord(m, value)
	case output:
		return checkOutput(value)
	case writeOut: // nobody gives it who does not read what it prints
		return errors.New("the probe prints nothing when all is well")
	case url:
		c.urls = append(c.urls, value)
	case method:
		return c.setMethod(value)
	case field:
		return c.setField(value)
	case agent:
		return setText(&c.agent, value)
	case login:
		return c.setLogin(value)
	case user:
		return setText(&c.user, value)
	case password:
		c.password = value
	case proxy:
		return checkProxy(value)
	case timeout:
		return c.setTimeout(value)
	case tries:
		return c.setTries(value)
	case redirects:
		return c.setRedirects(value)
	case caCert:
		return setText(&c.cmd.CACert, value)
	case cert:
		return c.setCert(value)
	case key:
		return setText(&c.cmd.Key, value)
	case unixSocket:
		return c.setSocket("", value)
	case abstractSocket:
		return c.setSocket("@", value)
	}
	return nil
}

func checkCount(value string) error {
	if _, ok := atoi(value, 1<<30); !ok {
		return refuse("", value, " is not a number")
	}
	return nil
}

// checkSeconds takes a number, with or without a fraction.
func checkSeconds(value string) error {
	_, rest := digits(value)
	if rest != "" && rest[0] == '.' {
		_, rest = digits(rest[1:])
	}
	if _, ok := parseDuration(value + "s"); !ok || rest != "" {
		return refuse("", value, " is not a number of seconds")
	}
	return nil
}

// checkWord takes the v of -nv, or on and off.
func checkWord(m meaning, value string) error {
	if m == no && value == "v" || m == onOff && (value == "on" || value == "off") {
		return nil
	}
	return refuse("", value, " is not supported")
}

// checkOutput takes the places where a body may go that nobody keeps.
func checkOutput(value string) error {
	if value != "/dev/null" && value != "-" {
		return refuse("the probe writes no files, and ", value, " is neither /dev/null nor -")
	}
	return nil
}

// checkProxy takes what means that there is none.
func checkProxy(value string) error {
	if value != "" {
		return errors.New("the probe asks no proxy")
	}
	return nil
}

// setLogin takes a user and a password. Its errors do not quote them.
func (c *call) setLogin(value string) error {
	name, password, ok := Cut(value, ":")
	if !ok {
		return errors.New("there is no password: write user:password")
	}
	c.password = password
	return setText(&c.user, name)
}

func setText(s *string, value string) error {
	switch {
	case value == "":
		return errors.New("the value is empty")
	case hasControl(value):
		return errors.New("it holds a control character")
	}
	*s = value
	return nil
}

// setMethod refuses what curl itself warns of.
func (c *call) setMethod(value string) error {
	if c.name == "curl" && value == "HEAD" {
		return errors.New("curl would wait for a body, which an answer to HEAD does not have: write -I")
	}
	return setMethod(&c.cmd, value)
}

// setField refuses what to curl is not a field but leaves one out.
func (c *call) setField(value string) error {
	if name, content := cutAt(value, ":"); c.name == "curl" && content != "" && Trim(content[1:]) == "" {
		return refuse("leaving out the field ", name, " is not supported")
	}
	return setHeader(&c.cmd, value)
}

// setTimeout sets the time for everything. Without a limit, which is what 0 stands
// for, the probe has its own.
func (c *call) setTimeout(value string) error {
	if err := checkSeconds(value); err != nil {
		return err
	}
	if d, _ := parseDuration(value + "s"); d == 0 {
		c.cmd.Timeout = 0
		return nil
	}
	return setTimeout(&c.cmd, value+"s")
}

func (c *call) setTries(value string) error {
	c.once = value == "1"
	if value == "inf" {
		return nil
	}
	return checkCount(value)
}

func (c *call) setRedirects(value string) error {
	n, ok := atoi(value, maxFollow)
	if !ok {
		return refuse("", value, " is not a number from 0 to "+itoa(maxFollow))
	}
	c.redirects = n
	return nil
}

// setCert refuses a password: a key in an image is not encrypted.
func (c *call) setCert(value string) error {
	if _, password := cutAt(value, ":"); password != "" {
		return errors.New("passwords are not supported")
	}
	return setText(&c.cmd.Cert, value)
}

// setSocket takes a socket that can be written in a target. at is "@" if it is
// abstract.
func (c *call) setSocket(at, value string) error {
	name := at + value
	switch _, rest := cutAt(name, ":%#"); {
	case rest != "" || hasControl(name):
		return errors.New("the socket's name holds one of :, % and #, or a control character")
	case len(name) < 2:
		return errors.New("the value is empty")
	case at == "" && name[0] != '/':
		return errors.New("the socket's name does not begin with /")
	case len(name) > maxSocket:
		return errors.New("the socket's name is longer than " + itoa(maxSocket) + " bytes")
	}
	c.socket = name
	return nil
}
