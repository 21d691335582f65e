package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// http checks that the answer to a request has a healthy status and, if asked for,
// that its body holds a text.
func (c check) http(t cmdline.Target) (what string, err error) {
	what = c.method() + " "
	conn, a, err := dial(c.pinned(t), c.deadline)
	if err != nil {
		return what + t.String(), err
	}
	defer conn.close()
	if t.Scheme == "http" {
		what += "http://" + a.name + t.Path // the one of the addresses that accepted
	} else {
		what += t.String()
	}
	// A server may answer and close before it has read the request.
	sent := conn.write(c.request(t))
	r := reader{src: conn}
	resp, err := r.final()
	if err != nil && sent != nil {
		err = in("sending the request", sent)
	}
	if err == nil {
		err = c.judge(&r, resp)
	}
	if err == nil || asksAgain(err) {
		conn.drain() // a reset would be an error in the app's log
	}
	return what, err
}

func (c check) method() string {
	if c.cmd.Method == "" {
		return "GET" // not HEAD: many a handler answers 405
	}
	return c.cmd.Method
}

// request returns the request. The fields of the command line take the place of
// those that it has by itself.
func (c check) request(t cmdline.Target) []byte {
	host := "localhost"
	if t.Scheme == "http" {
		host = t.Authority()
		if t.Host == "" {
			host = "localhost" + host
		}
	}
	header := []cmdline.Header{{Name: "Host", Value: host}, {Name: "User-Agent", Value: "kohealth"},
		{Name: "Accept", Value: "*/*"}, {Name: "Connection", Value: "close"}}
	if m := c.method(); m != "GET" && m != "HEAD" {
		header = append(header, cmdline.Header{Name: "Content-Length", Value: "0"})
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

// judge tells whether a response is healthy. Unless it must, it reads no further
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
	b := newBody(r, resp, fields, c.method())
	if c.cmd.Body == "" {
		return b.whole(resp)
	}
	text, found, err := b.search(c.cmd.Body, cmdline.MaxBody)
	switch {
	case found:
		return nil
	case err != nil && err != errEnd:
		return errors.New(resp.text() + ": waiting for " + cmdline.Quote(c.cmd.Body) + " in the body: " + err.Error())
	}
	holds := ": the body does not hold "
	if err == nil {
		holds = ": the first 16 KiB of the body do not hold "
	}
	return errors.New(resp.text() + holds + cmdline.Quote(c.cmd.Body) + ": " + snippet(text))
}

// explain describes an unhealthy response by its status and the beginning of its
// body, where an app may say what is wrong. Whatever cannot be had is left out.
func (c check) explain(r *reader, resp response) error {
	fields, err := r.header()
	if err != nil {
		return errors.New(resp.text())
	}
	s := resp.text()
	if resp.status/100 == 3 && fields.location != "" {
		s += " to " + snippet([]byte(fields.location))
	}
	b := newBody(r, resp, fields, c.method())
	if text, _, _ := b.search("", maxSnippet+1); len(text) > 0 {
		s += ": " + snippet(text)
	}
	return errors.New(s)
}
