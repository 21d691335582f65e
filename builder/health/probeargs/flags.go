package probeargs

import (
	"errors"
)

// A flag is something that a command line can say about its targets.
type flag struct {
	name     string
	set      func(c *Command, value string) error
	bare     bool // may stand without a value, which then is true
	repeated bool // may be given more than once
	http     bool // says something about HTTP only
	grpc     bool // says something about gRPC as well
	tls      bool // says something about TLS only
}

var flags = [...]flag{
	{name: "status", set: setStatus, http: true},
	{name: "header", set: setHeader, http: true, grpc: true, repeated: true},
	{name: "method", set: setMethod, http: true},
	{name: "body", set: setBody, http: true},
	{name: "http2", set: setHTTP2, http: true, bare: true},
	{name: "insecure", set: setInsecure, tls: true, bare: true},
	{name: "cacert", set: setCACert, tls: true},
	{name: "servername", set: setServerName, tls: true},
	{name: "cert", set: setCert, tls: true},
	{name: "key", set: setKey, tls: true},
	{name: "path", set: setPath},
	{name: "timeout", set: setTimeout},
	{name: "log", set: setLog, bare: true},
	{name: "json", set: setJSON, bare: true},
	{name: "v", set: setVerbose, bare: true},
}

// flag parses a flag in the forms of Go's package flag. Its name is taken as it is
// written; only its value can hold variables.
func (p *parser) flag(arg string) error {
	name, value, given := Cut(TrimPrefix(arg[1:], "-"), "=")
	f, err := p.lookUpFlag(name)
	if err != nil {
		return err
	}
	switch {
	case given:
	case f.bare:
		value = "true"
	case len(p.args) == 0:
		return errors.New("flag -" + name + " needs a value")
	default:
		value, p.args = p.args[0], p.args[1:]
	}
	// Errors leave out the value: in a header it may be a secret.
	written := value
	if value, _, err = expand(value, p.lookup); err == nil && value == "" {
		err = errors.New("the value is empty")
	}
	if err == nil && !contains(p.seen[:p.over], f) {
		err = f.set(&p.cmd, value)
		p.cmd.show(name, written, value)
	}
	if err != nil {
		return errors.New("parsing flag -" + name + ": " + err.Error())
	}
	return nil
}

// show keeps how a flag was written that messages show: a value may be a secret.
func (c *Command) show(name, written, value string) {
	switch {
	case value == written:
	case name == "body":
		c.Wanted = written
	case name == "path":
		c.Shown = written
	}
}

func (p *parser) lookUpFlag(name string) (*flag, error) {
	for i := range flags {
		f := &flags[i]
		if f.name != name {
			continue
		}
		if !f.repeated && contains(p.seen[p.over:], f) {
			return nil, errors.New("flag -" + name + " is given twice")
		}
		p.seen = append(p.seen, f)
		return f, nil
	}
	return nil, errors.New("unknown flag " + Quote("-"+name) + ": there are" + flagNames())
}

func flagNames() (names string) {
	for i := range flags {
		names += " -" + flags[i].name
	}
	return names
}

func contains(seen []*flag, f *flag) bool {
	for _, s := range seen {
		if s == f {
			return true
		}
	}
	return false
}

func setMethod(c *Command, value string) error {
	if !isToken(value) {
		return errors.New(Quote(value) + " is not an HTTP method")
	}
	c.Method = value
	return nil
}

func setBody(c *Command, value string) error {
	if len(value) > MaxBody {
		return errors.New("it is longer than the part of a body that is searched")
	}
	c.Body = value
	return nil
}

func setTimeout(c *Command, value string) error {
	d, ok := parseDuration(value)
	switch {
	case !ok:
		return errors.New(Quote(value) + " is not a duration such as 2s or 500ms")
	case d < minTimeout || d > maxTimeout:
		return errors.New(Quote(value) + " is not between 1ms and 24h")
	}
	c.Timeout = d
	return nil
}

func setPath(c *Command, value string) (err error) {
	c.Path, err = requestPath(value)
	return err
}

func setHTTP2(c *Command, value string) error   { return setBool(&c.HTTP2, value) }
func setLog(c *Command, value string) error     { return setBool(&c.Log, value) }
func setJSON(c *Command, value string) error    { return setBool(&c.JSON, value) }
func setVerbose(c *Command, value string) error { return setBool(&c.Verbose, value) }

func setBool(b *bool, value string) error {
	switch value {
	case "true", "1":
		*b = true
	case "false", "0":
		*b = false
	default:
		return errors.New(Quote(value) + " is neither true nor false")
	}
	return nil
}

// fits reports whether a flag says something about a target.
func (f *flag) fits(t Target) bool {
	switch {
	case f.tls:
		return t.IsTLS()
	case f.grpc && t.IsGRPC():
		return true
	}
	return !f.http || t.isHTTP()
}

// idle describes a flag that fits no target.
func (f *flag) idle() error {
	kind := "answers HTTP, such as http://:8080/healthz or, with -path, auto"
	if f.tls {
		kind = "speaks TLS, such as https://:8080/healthz"
	}
	return errors.New("flag -" + f.name + " needs a target that " + kind)
}
