package main

import (
	"errors"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// fields are what the probe wants to know of a response's header.
type fields struct {
	length   int64 // -1 if there is none
	coded    bool  // has a Transfer-Encoding, which overrides the length
	chunked  bool
	location string
}

// header takes the header of a response, up to the empty line.
func (r *reader) header() (fields, error) {
	f := fields{length: -1}
	for {
		line, err := r.line()
		if err != nil {
			return f, in("reading the header", err)
		}
		if line == "" {
			return f, nil
		}
		name, value, _ := probeargs.Cut(line, ":")
		if err := f.set(name, probeargs.Trim(value)); err != nil {
			return f, in("reading the header", err)
		}
	}
}

func (f *fields) set(name, value string) error {
	switch {
	case probeargs.EqualFold(name, "Content-Length"):
		n, ok := number(value, 10)
		if !ok || f.length >= 0 && f.length != n {
			return errors.New("Content-Length " + snippet([]byte(value)) + " is malformed")
		}
		f.length = n
	case probeargs.EqualFold(name, "Transfer-Encoding"):
		f.coded = true
		f.chunked = probeargs.EqualFold(value, "chunked")
	case probeargs.EqualFold(name, "Location"):
		f.location = value
	}
	return nil
}

// A body is the decoded body of a response.
type body struct {
	r       *reader
	left    int64 // bytes up to the next chunk or the end; -1 if the connection's end is the body's
	chunked bool
	begun   bool // has read a chunk
}

// newBody returns the body behind a header: RFC 9112, section 6.3.
func newBody(r *reader, resp response, f fields, method string) *body {
	r.left = maxWire
	b := &body{r: r, left: f.length}
	switch {
	case method == "HEAD" || resp.status < 200 || resp.status == 204 || resp.status == 304:
		b.left = 0
	case f.chunked:
		b.left, b.chunked = 0, true
	case f.coded:
		b.left = -1
	}
	return b
}

// byte takes the next byte of the body. It returns errEnd behind the last one.
func (b *body) byte() (byte, error) {
	if b.left == 0 && b.chunked {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	if b.left == 0 {
		return 0, errEnd
	}
	c, err := b.r.byte()
	switch {
	case err == errClosed && b.left < 0:
		return 0, errEnd
	case b.left > 0:
		b.left--
	}
	return c, err
}

// nextChunk reads up to the data of the next chunk: RFC 9112, section 7.1. The last
// chunk is empty; what follows it is of no interest.
func (b *body) nextChunk() error {
	if b.begun {
		if line, err := b.r.line(); err != nil || line != "" {
			return chunkError(line, err)
		}
	}
	b.begun = true
	line, err := b.r.line()
	if err != nil {
		return err
	}
	size, _, _ := probeargs.Cut(line, ";")
	n, ok := number(probeargs.Trim(size), 16)
	if !ok {
		return chunkError(line, nil)
	}
	b.left, b.chunked = n, n > 0
	return nil
}

func chunkError(line string, err error) error {
	if err != nil {
		return err
	}
	return errors.New("chunk " + snippet([]byte(line)) + " is malformed")
}

// search takes bytes of a body until it holds the text, and at most limit. It
// returns what it took. An empty text is not found.
func search(next func() (byte, error), text string, limit int) (got []byte, found bool, err error) {
	for len(got) < limit {
		c, err := next()
		if err != nil {
			return got, false, err
		}
		got = append(got, c)
		if n := len(got) - len(text); text != "" && n >= 0 && string(got[n:]) == text {
			return got, true, nil
		}
	}
	return got, false, nil
}

// number parses digits of the given base, few enough for an int64.
func number(s string, base int64) (n int64, ok bool) {
	if s == "" || len(s) > 15 {
		return 0, false
	}
	for _, c := range []byte(s) {
		digit := int64(probeargs.IndexByte("0123456789abcdef", c|0x20))
		if isDigit(c) {
			digit = int64(c - '0')
		}
		if digit < 0 || digit >= base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, true
}
