package main

import (
	"errors"
	"strconv"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// errOrGet says that a server may not know the method of the request.
var errOrGet = errors.New("asking again with GET")

// A redirect is a response that says where to ask next, if location is not empty.
type redirect struct {
	response
	location []byte
}

func (r *redirect) Error() string { return r.text() + " to " + snippet(r.location) }

// follow checks the answer to a request or, if the command line says so, the one at
// the end of the redirects that begin with it. All of them have one deadline.
func (c check) follow(t probeargs.Target) *outcome {
	first := t
	for left := c.cmd.Follow; ; {
		o := c.discreet(first, t).http(t)
		r, redirected := o.err.(*redirect)
		switch {
		case o.err == errOrGet:
			c.cmd = withGet(*c.cmd)
			continue
		case !redirected:
			return o
		case len(r.location) == 0 && c.cmd.Healthy(r.status):
			o.err = nil
			return o
		case len(r.location) == 0:
			o.err = errors.New(r.text() + ": the redirect does not say where to")
			return o
		}
		left--
		err := errors.New("redirected more than " + strconv.Itoa(c.cmd.Follow) + " times")
		if left >= 0 {
			err = t.Redirect(string(r.location))
		}
		if err != nil {
			o.err = in(r.Error(), err)
			return o
		}
	}
}

// discreet returns the check without what proves to the first server who asks, unless
// t is the same: RFC 9110, section 15.4.
func (c check) discreet(first, t probeargs.Target) check {
	if t.Scheme == first.Scheme && t.Authority() == first.Authority() {
		return c
	}
	cmd := *c.cmd
	cmd.Header = nil
	for _, h := range c.cmd.Header {
		if !probeargs.EqualFold(h.Name, "Authorization") && !probeargs.EqualFold(h.Name, "Cookie") {
			cmd.Header = append(cmd.Header, h)
		}
	}
	c.cmd = &cmd
	return c
}

func withGet(cmd probeargs.Command) *probeargs.Command {
	cmd.Method, cmd.OrGet = "GET", false
	return &cmd
}

// again returns errOrGet or a redirect if the response is not yet the one to judge.
func (c check) again(r *reader, resp response) error {
	switch {
	case c.cmd.OrGet && (resp.status == 500 || resp.status == 501):
		return errOrGet
	case c.cmd.Follow == 0 || resp.status/100 != 3:
		return nil
	}
	f, err := r.header()
	if err != nil {
		return in(resp.text(), err)
	}
	return &redirect{resp, []byte(f.location)}
}

// asksAgain reports whether a response was understood but is not the one to judge.
func asksAgain(err error) bool {
	_, redirected := err.(*redirect)
	return redirected || err == errOrGet
}

// whole takes a body to its end or, of a long one, as much as the probe reads. What
// breaks off is a failure to curl and wget.
func whole(body func() (byte, error), resp response) error {
	for {
		switch _, err := body(); err {
		case nil:
		case errEnd, errTooLong:
			return nil
		default:
			return in(resp.text()+": waiting for the end of the body", err)
		}
	}
}

// pinned returns the target with the one address of localhost that counts.
func (c check) pinned(t probeargs.Target) probeargs.Target {
	switch {
	case t.Host != "" || t.Socket != "":
	case c.cmd.Family == 4:
		t.Host = "127.0.0.1"
	case c.cmd.Family == 6:
		t.Host = "::1"
	}
	return t
}
