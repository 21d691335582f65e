package main

import (
	"errors"
	"syscall"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// http checks that the answer to a request has a healthy status and, if asked for,
// that its body holds a text.
func (c check) http(t probeargs.Target) *outcome {
	conn, where, err := c.open(t)
	what := c.method() + " " + where
	if err != nil {
		return done(what, err)
	}
	defer conn.close()
	if c.cmd.HTTP2 {
		return c.http2(what, conn, t)
	}
	// A server may answer and close before it has read the request.
	sent := conn.write(c.request(t))
	r := reader{src: conn}
	resp, err := r.final()
	if err != nil && sent != nil {
		err = in("sending the request", sent)
	}
	if err != nil && c.mayNeedHTTP2(t, err) {
		err = errors.New(err.Error() + ": if the server speaks only HTTP/2, ask it with -http2")
	}
	if err == nil {
		err = c.judge(&r, resp)
	}
	if err == nil || asksAgain(err) {
		conn.drain() // a reset would be an error in the app's log
	}
	return &outcome{what: what, seen: resp.text(), status: resp.status, err: err}
}

// mayNeedHTTP2 reports whether an error may be that of a server which resets what is not
// HTTP/2. Through TLS it would have said so.
func (c check) mayNeedHTTP2(t probeargs.Target, err error) bool {
	return !t.IsTLS() && c.cmd.Tool == "" && probeargs.HasSuffix(err.Error(), syscall.ECONNRESET.Error())
}

// at returns the target with the one of its addresses that accepted.
func at(t probeargs.Target, a address) string {
	if a.name == "" || t.Socket != "" {
		return t.String()
	}
	return t.Scheme + "://" + a.name + t.String()[len(t.Scheme+"://"+t.Authority()):]
}

// host returns the name by which a request calls the server.
func host(t probeargs.Target) string {
	switch {
	case t.Socket != "":
		return "localhost"
	case t.Host == "":
		return "localhost" + t.Authority()
	}
	return t.Authority()
}

func (c check) method() string {
	if c.cmd.Method == "" {
		return "GET" // not HEAD: many a handler answers 405
	}
	return c.cmd.Method
}

// request returns the request. The fields of the command line take the place of
// those that it has by itself.
func (c check) request(t probeargs.Target) []byte {
	header := []probeargs.Header{{Name: "Host", Value: host(t)}, {Name: "User-Agent", Value: "kohealth"},
		{Name: "Accept", Value: "*/*"}, {Name: "Connection", Value: "close"}}
	if m := c.method(); m != "GET" && m != "HEAD" {
		header = append(header, probeargs.Header{Name: "Content-Length", Value: "0"})
	}
	b := c.method() + " " + t.Path + " HTTP/1.1\r\n"
	for _, h := range header {
		if !c.cmd.Sets(h.Name) {
			b += h.Name + ": " + h.Value + "\r\n"
		}
	}
	for _, h := range c.cmd.Header {
		b += h.Name + ": " + h.Value + "\r\n"
	}
	return []byte(b + "\r\n")
}

// judge reports whether a response is healthy. Unless it must, it reads no further
// than the status.
func (c check) judge(r *reader, resp response) error {
	if err := c.again(r, resp); err != nil {
		return err
	}
	switch {
	case !c.cmd.Healthy(resp.status):
		r.src.hurry()
		return c.explain(r, resp)
	case c.cmd.Body == "" && !c.cmd.Whole:
		return nil
	}
	fields, err := r.header()
	if err != nil {
		return err
	}
	return c.holds(newBody(r, resp, fields, c.method()).byte, resp)
}

// holds reports whether a body holds what it has to, or is there to its end.
func (c check) holds(body func() (byte, error), resp response) error {
	if c.cmd.Body == "" {
		return whole(body, resp)
	}
	text, found, err := search(body, c.cmd.Body, probeargs.MaxBody)
	switch {
	case found:
		return nil
	case err != nil && err != errEnd:
		return errors.New(resp.text() + ": waiting for " + c.wanted() + " in the body: " + err.Error())
	}
	holds := ": the body does not hold "
	if err == nil {
		holds = ": the first 16 KiB of the body do not hold "
	}
	return errors.New(resp.text() + holds + c.wanted() + ": " + snippet(text))
}

// wanted quotes what a body has to hold, with its variables as they were written.
func (c check) wanted() string {
	if c.cmd.Wanted != "" {
		return probeargs.Quote(c.cmd.Wanted)
	}
	return probeargs.Quote(c.cmd.Body)
}

// explain describes an unhealthy response by its status and the beginning of its
// body, where an app may say what is wrong. Whatever cannot be had is left out.
func (c check) explain(r *reader, resp response) error {
	fields, err := r.header()
	if err != nil {
		return errors.New(resp.text())
	}
	return described(resp, fields.location, newBody(r, resp, fields, c.method()).byte)
}

func described(resp response, location string, body func() (byte, error)) error {
	s := resp.text()
	if resp.status/100 == 3 && location != "" {
		s += " to " + snippet([]byte(location))
	}
	if text, _, _ := search(body, "", maxSnippet+1); len(text) > 0 {
		s += ": " + snippet(text)
	}
	return errors.New(s)
}
