package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A script is a source that hands out data in pieces and then is closed.
type script struct {
	data  string
	sizes []byte // of the pieces, over and over; none means as much as there is place
	reads int
	total int
}

func (s *script) read(p []byte) (int, error) {
	if s.data == "" {
		return 0, errClosed
	}
	if len(s.sizes) > 0 {
		p = p[:min(len(p), 1+int(s.sizes[s.reads%len(s.sizes)]))]
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	s.reads++
	s.total += n
	return n, nil
}

func (s *script) hurry() {}

// judged returns what the probe says of a response, and how much of it it read.
func judged(cmd probeargs.Command, s *script) (string, int) {
	r := reader{src: s}
	resp, err := r.final()
	if err == nil {
		err = check{cmd: &cmd}.judge(&r, resp)
	}
	return text(err), s.total
}

// commands are those whose ways through a response differ.
var commands = []probeargs.Command{
	{},
	{Body: "ready"},
	{Method: "HEAD", Status: []probeargs.StatusRange{{From: 204, To: 204}}},
	{AsTool: probeargs.AsTool{Follow: 1, Whole: true}},
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name, data string
		cmd        probeargs.Command
		want       string
	}{
		{"no body after HEAD", "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbody", probeargs.Command{Method: "HEAD"}, `503 "No"`},
		{"switching protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello", probeargs.Command{}, `101 "Switching Protocols"`},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nready", commands[1],
			`reading the header: Content-Length "5" is malformed`},
		{"length that is none", "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nready", commands[1],
			`reading the header: Content-Length "-5" is malformed`},
		{"bad length of an error", "HTTP/1.1 500 No\r\ncontent-length: -5\r\n\r\nready", probeargs.Command{}, `500 "No"`},
		{"chunks override the length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nready\r\n0\r\n\r\n", commands[1], ""},
		{"unknown coding", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip\r\n\r\nready", commands[1], ""},
		{"chunk size of many digits", chunked + "10000000000000005\r\nready", commands[1],
			`200 "OK": waiting for "ready" in the body: chunk "10000000000000005" is malformed`},
		{"chunk without size", chunked + ";x\r\nready", commands[1], `200 "OK": waiting for "ready" in the body: chunk ";x" is malformed`},
		{"chunk size in capitals", chunked + "A \r\nit's ready\r\n", commands[1], ""},
		{"end in a chunk size", chunked + "5", commands[1], `200 "OK": waiting for "ready" in the body: the connection was closed`},
		{"end after a chunk", chunked + "2\r\nre", commands[1], `200 "OK": waiting for "ready" in the body: the connection was closed`},
		{"endless framing", chunked + strings.Repeat("1;"+strings.Repeat("x", 99)+"\r\nx\r\n", 1000), commands[1],
			`200 "OK": waiting for "ready" in the body: longer than the probe reads`},
		{"status with letters", "HTTP/1.1 2x0 OK\r\n", probeargs.Command{}, `status line "HTTP/1.1 2x0 OK" is malformed`},
		{"status of four digits", "HTTP/1.1 2000\r\n", probeargs.Command{}, `status line "HTTP/1.1 2000" is malformed`},
		{"status below 100", "HTTP/1.1 099 x\r\n", probeargs.Command{}, `status line "HTTP/1.1 099 x" is malformed`},
		{"two-digit version", "HTTP/1.10 200 OK\r\n", probeargs.Command{}, `status line "HTTP/1.10 200 OK" is malformed`},
		{"HTTP/2 in words", "HTTP/2 200\r\n", probeargs.Command{}, `answer is not HTTP/1: "HTTP/2 200"`},
		{"SSH in words", "SSH-2.0-x\r\nmore", probeargs.Command{}, `answer is not HTTP: "SSH-2.0-x"`},
		{"whole body", ok200, commands[3], ""},
		{"whole body in chunks", chunked + "2\r\nre\r\n3\r\nady\r\n0\r\n\r\n", commands[3], ""},
		{"body broken off", ok200[:len(ok200)-1], commands[3], `200 "OK": waiting for the end of the body: the connection was closed`},
		{"chunks broken off", chunked + "2\r\nre\r\n", commands[3], `200 "OK": waiting for the end of the body: the connection was closed`},
		{"body of which enough came", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 2*maxWire), commands[3], ""},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: /\x01\r\n\r\n", commands[3], `302 "Found" to "/\x01"`},
		{"redirect cut off", "HTTP/1.1 302 Found\r\nLocation: /", commands[3], `302 "Found": reading the header: the connection was closed`},
		{"nothing", "", probeargs.Command{}, "waiting for the status line: the connection was closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, sizes := range [][]byte{nil, {0}, {2, 0, 6}} {
				if got, _ := judged(tt.cmd, &script{data: tt.data, sizes: sizes}); got != tt.want {
					t.Errorf("pieces %v: %q, want %q", sizes, got, tt.want)
				}
			}
		})
	}
}

// FuzzResponse shows that the reader of responses reads no more than it may, says
// the same however the response arrives, and says it in one harmless line.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		ok200,
		"HTTP/1.0 302\nLocation: /x\n\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 503 No\r\nContent-Length: 22\r\n\r\ndb: connection refused",
		chunked + "2;a=b\r\nre\r\n3\r\nady\r\n0\r\n\r\n",
		"\x15\x03\x01\x00\x02\x02\x46",
		"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
		"SSH-2.0-OpenSSH_9.6\r\n",
	} {
		f.Add(seed, []byte{0})
		f.Add(seed, []byte{3, 0, 16})
	}
	f.Fuzz(func(t *testing.T, data string, sizes []byte) {
		limit := (1+strings.Count(data, protocol))*maxHead + maxWire + len(reader{}.buf)
		for _, cmd := range commands {
			whole, total := judged(cmd, &script{data: data})
			if total > limit {
				t.Errorf("%d bytes read, at most %d may be", total, limit)
			}
			if split, _ := judged(cmd, &script{data: data, sizes: sizes}); split != whole {
				t.Errorf("in one piece: %s\nin pieces:    %s", whole, split)
			}
			if len(whole) > 3*4*maxSnippet || !utf8.ValidString(whole) || strings.ContainsFunc(whole, unicode.IsControl) {
				t.Errorf("not a harmless line: %q", whole)
			}
		}
	})
}
