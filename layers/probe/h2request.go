package main

import (
	"strings"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// preface begins a connection: RFC 9113, section 3.4. The settings forbid a dynamic
// table for header fields, 1, and pushed responses, 2.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
	"\x00\x00\x0c\x04\x00\x00\x00\x00\x00" + "\x00\x01\x00\x00\x00\x00" + "\x00\x02\x00\x00\x00\x00"

// A request2 is the header block of an HTTP/2 request. Fields are written in the
// simplest of the forms of RFC 7541, section 6.2.2.
type request2 struct {
	check check
	block []byte
}

// hopFields are about the connection in HTTP/1, and a mistake in HTTP/2: RFC 9113,
// section 8.2.2.
const hopFields = " connection keep-alive proxy-connection te upgrade "

// newRequest2 returns a request. The fields of the command line take the place of
// those that it has by itself.
func newRequest2(c check, t cmdline.Target, method, path string) *request2 {
	scheme, authority := "http", host(t)
	if t.IsTLS() {
		scheme = "https"
	}
	own := &request2{check: c}
	for _, h := range c.cmd.Header {
		switch name := lower(h.Name); {
		case name == "host":
			authority = h.Value
		case !strings.Contains(hopFields, " "+name+" "):
			own.append(name, h.Value)
		}
	}
	r := &request2{check: c}
	r.append(":method", method) // fields with a colon come first: section 8.3
	r.append(":scheme", scheme)
	r.append(":authority", authority)
	r.append(":path", path)
	r.block = append(r.block, own.block...)
	r.add("user-agent", "kohealth")
	return r
}

// add adds a field unless the command line has set it.
func (r *request2) add(name, value string) {
	if !r.check.sets(name) {
		r.append(name, value)
	}
}

func (r *request2) append(name, value string) {
	r.block = append(r.block, 0)
	r.text(name)
	r.text(value)
}

// text appends a string as it is: RFC 7541, section 5.2.
func (r *request2) text(s string) {
	const limit = 1<<7 - 1 // from which on a length has bytes of its own
	if len(s) < limit {
		r.block = append(r.block, byte(len(s)))
	} else {
		r.block = appendVarint(append(r.block, limit), len(s)-limit)
	}
	r.block = append(r.block, s...)
}

// bytes returns all that is sent: the preface, and the request as stream 1.
func (r *request2) bytes(body []byte) []byte {
	out, block := []byte(preface), r.block
	kind, flags := byte(frameHeaders), byte(0)
	if len(body) == 0 {
		flags = flagEndStream
	}
	for len(block) > maxFrame {
		out = appendFrame(out, kind, flags, block[:maxFrame])
		block = block[maxFrame:]
		kind, flags = frameContinuation, 0
	}
	out = appendFrame(out, kind, flags|flagEndHeaders, block)
	if len(body) > 0 {
		out = appendFrame(out, frameData, flagEndStream, body)
	}
	return out
}

// appendFrame appends a frame of stream 1.
func appendFrame(b []byte, kind, flags byte, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags, 0, 0, 0, 1)
	return append(b, payload...)
}

// appendVarint appends a number, 7 bits a byte, the lowest first.
func appendVarint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// lower returns the name of a field as HTTP/2 has it: RFC 9113, section 8.2.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
