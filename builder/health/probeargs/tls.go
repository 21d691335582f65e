package probeargs

import "errors"

// IsTLS reports whether the target is reached through TLS.
func (t Target) IsTLS() bool { return t.Scheme == "https" || t.Scheme == "grpcs" }

// NeedsTLS reports whether a target is reached through TLS, which needs a probe of its
// own: TLS triples the size.
func (c *Command) NeedsTLS() bool { return c.anyTarget(Target.IsTLS) }

// validateTLS judges the flags of TLS as a whole.
func (c *Command) validateTLS() error {
	switch {
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("flags -cert and -key go together: the certificate and its key")
	case c.Insecure && c.CACert != "":
		return errors.New("flag -cacert does not go with -insecure, which verifies nothing")
	}
	return nil
}

func setInsecure(c *Command, value string) error { return setBool(&c.Insecure, value) }

func setCACert(c *Command, value string) error { return setFile(&c.CACert, value) }
func setCert(c *Command, value string) error   { return setFile(&c.Cert, value) }
func setKey(c *Command, value string) error    { return setFile(&c.Key, value) }

// setFile sets a file by its absolute path: which directory a check runs in is up to
// the runtime.
func setFile(file *string, value string) error {
	switch {
	case hasControl(value):
		return errors.New("it holds a control character")
	case value[0] != '/':
		return errors.New(Quote(value) + " does not begin with /")
	}
	*file = value
	return nil
}

func setServerName(c *Command, value string) error {
	if !isToken(value) {
		return errors.New(Quote(value) + " is not the name of a server")
	}
	c.ServerName = value
	return nil
}
