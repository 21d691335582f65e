package main

import (
	"errors"
	"strconv"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Limits of what is read of a response.
const (
	maxHead = 16 << 10 // status line and header, of each interim response as well
	maxWire = 64 << 10 // body with the framing of its chunks
)

var (
	errTooLong = errors.New("longer than the probe reads")
	errEnd     = errors.New("the body ended")
)

// A source is what a reader needs of a conn.
type source interface {
	read(p []byte) (int, error)
	hurry()
}

// A reader reads responses: RFC 9112. What it makes of them depends only on the
// bytes, not on how they arrive.
type reader struct {
	src  source
	left int // bytes that may still be taken
	r, w int // buf[r:w] is read and not yet taken
	buf  [4096]byte
}

// A response is a status line.
type response struct {
	status int
	reason string
}

func (r response) text() string {
	s := strconv.Itoa(r.status)
	if r.reason != "" {
		s += " " + snippet([]byte(r.reason))
	}
	return s
}

// byte takes the next byte.
func (r *reader) byte() (byte, error) {
	if r.left <= 0 {
		return 0, errTooLong
	}
	if _, err := r.peek(1); err != nil {
		return 0, err
	}
	b := r.buf[r.r]
	r.r++
	r.left--
	return b, nil
}

// peek returns the next n bytes, or with an error all that came.
func (r *reader) peek(n int) ([]byte, error) {
	for r.w-r.r < n {
		r.w = copy(r.buf[:], r.buf[r.r:r.w])
		r.r = 0
		m, err := r.src.read(r.buf[r.w:])
		if err != nil {
			return r.buf[:r.w], err
		}
		r.w += m
	}
	return r.buf[r.r : r.r+n], nil
}

// line takes a line, or with an error all that came of it. A line may end with a
// mere LF: RFC 9112, section 2.2.
func (r *reader) line() (string, error) {
	var line []byte
	for {
		b, err := r.byte()
		switch {
		case err != nil:
			return string(line), err
		case b == '\n':
			return probeargs.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b)
	}
}

// final reads until the status line of the final response, which may follow any
// number of interim ones. 101 is final: what follows it is another protocol.
func (r *reader) final() (response, error) {
	awaited := "the status line"
	for {
		r.left = maxHead
		resp, err := r.statusLine(awaited)
		if err != nil || resp.status >= 200 || resp.status == 101 {
			return resp, err
		}
		awaited = "the final status after " + resp.text()
		if _, err := r.header(); err != nil {
			return response{}, in("waiting for "+awaited, err)
		}
	}
}

const protocol = "HTTP/1."

func (r *reader) statusLine(awaited string) (response, error) {
	for n := 1; n <= len(protocol); n++ {
		p, err := r.peek(n)
		if err != nil {
			return response{}, waiting(awaited, string(p), err)
		}
		if p[n-1] != protocol[n-1] {
			return response{}, r.foreign()
		}
	}
	line, err := r.line()
	if err != nil {
		return response{}, waiting(awaited, line, err)
	}
	resp, ok := parseStatusLine(line)
	if !ok {
		return response{}, errors.New("status line " + snippet([]byte(line)) + " is malformed")
	}
	return resp, nil
}

// waiting describes an error in the middle of a line.
func waiting(awaited, got string, err error) error {
	if got != "" {
		return in("waiting for the rest of "+snippet([]byte(got)), err)
	}
	return in("waiting for "+awaited, err)
}

// parseStatusLine parses HTTP/1.x, a status and a reason. Some servers send no
// reason, nor the space before it.
func parseStatusLine(line string) (resp response, ok bool) {
	const version = len(protocol)
	if len(line) < version+5 || line[version+1] != ' ' || !isDigit(line[version]) {
		return resp, false
	}
	for _, c := range []byte(line[version+2 : version+5]) {
		if !isDigit(c) {
			return resp, false
		}
		resp.status = resp.status*10 + int(c-'0')
	}
	rest := line[version+5:]
	resp.reason = probeargs.Trim(rest)
	return resp, resp.status >= 100 && (rest == "" || rest[0] == ' ')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// foreign describes an answer that is not HTTP/1.
func (r *reader) foreign() error {
	p := r.opening()
	switch {
	case isAlert(p):
		return errors.New("answer is a TLS alert: the port speaks TLS, not plain HTTP")
	case isSettings(p):
		return errors.New("answer is HTTP/2: the port does not speak HTTP/1.1: ask it with -http2")
	}
	name := "HTTP"
	if probeargs.HasPrefix(string(p), "HTTP/") {
		name = "HTTP/1"
	}
	return errors.New("answer is not " + name + ": " + snippet(p))
}

// opening takes what is to be shown of an answer in a foreign protocol.
func (r *reader) opening() []byte {
	r.src.hurry()
	var p []byte
	for len(p) <= maxSnippet {
		b, err := r.byte()
		if err != nil || b == '\n' && len(p) >= frameHeader {
			break
		}
		p = append(p, b)
	}
	return p
}

// isAlert reports whether p begins with an alert of TLS: RFC 8446, section 5.1.
func isAlert(p []byte) bool { return len(p) > 1 && p[0] == 0x15 && p[1] == 3 }

const frameHeader = 9

// isSettings reports whether p begins with the SETTINGS frame with which every HTTP/2
// server begins: RFC 9113, sections 3.4 and 4.1.
func isSettings(p []byte) bool {
	return len(p) >= frameHeader && p[0] == 0 && p[3] == 4 && p[4]&^1 == 0 && string(p[5:9]) == "\x00\x00\x00\x00"
}
