package main

import (
	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// preface begins a connection: RFC 9113, section 3.4. The settings forbid a dynamic
// table for header fields, 1, and pushed responses, 2.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
	"\x00\x00\x0c\x04\x00\x00\x00\x00\x00" + "\x00\x01\x00\x00\x00\x00" + "\x00\x02\x00\x00\x00\x00"

// hopFields are about the connection in HTTP/1, and a mistake in HTTP/2: RFC 9113,
// section 8.2.2.
const hopFields = " connection keep-alive proxy-connection te upgrade "

// header2 returns the header block of an HTTP/2 request, with more fields beside
// those that all have. The fields of the command line take the place of both.
func (c check) header2(t probeargs.Target, method, path, more string) string {
	scheme, authority := "http", host(t)
	if t.IsTLS() {
		scheme = "https"
	}
	for _, h := range c.cmd.Header {
		switch name := lower(h.Name); {
		case name == "host":
			authority = h.Value
		case !probeargs.Contains(hopFields, " "+name+" "):
			more += field(name, h.Value)
		}
	}
	// Fields with a colon come first: section 8.3.
	return field(":method", method) + field(":scheme", scheme) + field(":authority", authority) + field(":path", path) +
		c.unless("user-agent", "kohealth") + more
}

// unless returns a field unless the command line sets it.
func (c check) unless(name, value string) string {
	if c.cmd.Sets(name) {
		return ""
	}
	return field(name, value)
}

// field returns a field in the simplest of the forms of RFC 7541, section 6.2.2.
func field(name, value string) string {
	return "\x00" + plainText(name) + plainText(value)
}

// plainText returns a string as it is, behind its length: RFC 7541, section 5.2.
func plainText(s string) string {
	const limit = 1<<7 - 1 // from which on a length has bytes of its own
	if len(s) < limit {
		return varintText(len(s)) + s
	}
	return string(rune(limit)) + varintText(len(s)-limit) + s
}

// varintText returns a number, 7 bits a byte, the lowest first.
func varintText(n int) string {
	if n < 0x80 {
		return string(rune(n))
	}
	return string([]byte{byte(n) | 0x80}) + varintText(n>>7)
}

// request2 returns all that is sent: the preface, and a request as stream 1.
func request2(block, body string) string {
	out, kind, flags := preface, byte(frameHeaders), byte(0)
	if body == "" {
		flags = flagEndStream
	}
	for len(block) > maxFrame {
		out += frameText(kind, flags, block[:maxFrame])
		block, kind, flags = block[maxFrame:], frameContinuation, 0
	}
	out += frameText(kind, flags|flagEndHeaders, block)
	if body != "" {
		out += frameText(frameData, flagEndStream, body)
	}
	return out
}

// frameText returns a frame of stream 1.
func frameText(kind, flags byte, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, 1}) + payload
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
