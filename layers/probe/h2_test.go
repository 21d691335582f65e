package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A scriptConn is a conn whose other side follows a script.
type scriptConn struct {
	*script
	wrote []byte
}

func (c *scriptConn) write(p []byte) error {
	c.wrote = append(c.wrote, p...)
	return nil
}
func (c *scriptConn) drain() {}
func (c *scriptConn) close() {}

// Frames of a server. A frame's text begins with its length.
const (
	settings  = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	settings2 = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
	grpcType  = "\x5f\x10application/grpc"
)

// streamFrame returns a frame of any stream.
func streamFrame(kind, flags, stream byte, payload string) string {
	f := []byte(frameText(kind, flags, payload))
	f[8] = stream
	return string(f)
}

// headers and trailers return frames with a whole header block.
func headers(block string) string { return frameText(frameHeaders, flagEndHeaders, block) }
func trailers(block string) string {
	return frameText(frameHeaders, flagEndHeaders|flagEndStream, block)
}
func data(text string) string { return frameText(frameData, 0, text) }

// isServing is a whole answer of a server that serves.
var isServing = settings + headers("\x88"+grpcType) + data("\x00\x00\x00\x00\x02\x08\x01") + trailers(field("grpc-status", "0"))

// judgedStream returns what the probe says of an HTTP/2 server, how much of it it
// read, and what it wrote behind its request.
func judgedStream(t *testing.T, target string, cmd probeargs.Command, s *script) (said string, total int, wrote string) {
	t.Helper()
	cmd.HTTP2 = true
	conn := &scriptConn{script: s}
	parsed := targetOf(t, target)
	c := check{cmd: &cmd, deadline: now() + probeargs.Second}
	if parsed.IsGRPC() {
		request := c.question(parsed)
		stream, err := ask(conn, request)
		if err == nil {
			err = stream.judge(parsed.Path)
		}
		return text(err), s.total, string(conn.wrote[len(request):])
	}
	err := c.http2("", conn, parsed).err
	request := request2(c.header2(parsed, c.method(), parsed.Path, ""), "")
	return text(err), s.total, string(conn.wrote[len(request):])
}

func TestStream(t *testing.T) {
	const url, service = "http://:80/", "grpc://:80/svc"
	tests := []struct {
		name, target, data string
		want               string
	}{
		{"serving", service, isServing, ""},
		{"other frames", service, settings2 + streamFrame(frameSettings, flagAck, 0, "") + frameText(framePriority, 0, "12345") +
			streamFrame(8, 0, 0, "1234") + frameText(8, 0, "1234") + streamFrame(0x10, 0xff, 9, "unknown") + isServing[9:], ""},
		{"going away later", service, settings + streamFrame(frameGoAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\x00") + isServing[9:], ""},
		{"status in code", service, settings + headers("\x88"+grpcType) + data("\x00\x00\x00\x00\x02\x08\x01") +
			trailers("\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x01\x30"), ""},
		{"trailers only", service, settings + trailers("\x88"+grpcType+field("grpc-status", "14")+field("grpc-message", "no%20%C3%bc%")),
			`status UNAVAILABLE: "no ü%"`},
		{"no trailers", service, settings + headers("\x88"+grpcType) + frameText(frameData, flagEndStream, "\x00\x00\x00\x00\x02\x08\x01"),
			"the answer ended without a grpc-status"},
		{"closed before the trailers", service, settings + headers("\x88"+grpcType) + data("\x00\x00\x00\x00\x02\x08\x01"),
			"waiting for the end of the answer: the connection was closed"},
		{"status that is none", service, settings + trailers("\x88"+grpcType+field("grpc-status", "x")), `malformed grpc-status "x"`},
		{"status of many digits", service, settings + trailers("\x88"+grpcType+field("grpc-status", "4294967296")), "status 4294967296"},
		{"empty message", service, settings + headers("\x88"+grpcType) + data("\x00\x00\x00\x00\x00") + trailers(field("grpc-status", "0")), "serving status UNKNOWN"},
		{"no message", service, settings + trailers("\x88"+grpcType+field("grpc-status", "0")),
			`the answer "" is not one of a health service`},
		{"compressed message", service, settings + headers("\x88"+grpcType) + data("\x01\x00\x00\x00\x02\x08\x01") + trailers(field("grpc-status", "0")),
			`the answer "\x01\x00\x00\x00\x02\x08\x01" is not one of a health service`},
		{"text for a message", service, settings + headers("\x88"+grpcType) + data("\x00\x00\x00\x00\x03\x0a\x01x") + trailers(field("grpc-status", "0")),
			`the answer "\x00\x00\x00\x00\x03\n\x01x" is not one of a health service`},
		{"message in pieces", service, settings + headers("\x88"+grpcType) + data("\x00\x00\x00") + data("") + data("\x00\x02\x08") + data("\x01") +
			trailers(field("grpc-status", "0")), ""},
		{"endless message", service, settings + headers("\x88"+grpcType) + strings.Repeat(data(strings.Repeat("x", 1000)), 20),
			"reading the answer: longer than the probe reads"},

		{"padding", url, settings + frameText(frameHeaders, flagEndHeaders|flagPadded|flagPriority, "\x0212345\x8dxx") +
			frameText(frameData, flagPadded, "\x03nopexxx") + frameText(frameData, flagPadded|flagEndStream, "\x01!x"), `404: "nope!"`},
		{"continuation", url, settings + frameText(frameHeaders, flagEndStream, "") + frameText(frameContinuation, 0, "\x08\x03") +
			frameText(frameContinuation, flagEndHeaders, "503"), "503"},
		{"change of table size", url, settings + trailers("\x20\x8e"), "500"},
		{"status in code", url, settings + trailers("\x48\x82\x6c\x02"), "502"},
		{"interim", url, settings + headers("\x08\x03103") + headers("\x88"), ""},
		{"interim for ever", url, settings + strings.Repeat(headers("\x08\x03103"), 30000), "waiting for the response: longer than the probe reads"},
		{"interim and end", url, settings + trailers("\x08\x03103"), "103"},

		{"reset", url, settings + frameText(frameReset, 0, "\x00\x00\x00\x07"), "waiting for the response: the server reset the stream: REFUSED_STREAM"},
		{"reset with less", url, settings + frameText(frameReset, 0, "\x00"), "waiting for the response: the server reset the stream: no code"},
		{"going away", url, settings + streamFrame(frameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x0bcalm\n down"),
			`waiting for the response: the server ended the connection: ENHANCE_YOUR_CALM: "calm\n down"`},
		{"going away for an unknown reason", url, settings + streamFrame(frameGoAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\xff"),
			"waiting for the response: the server ended the connection: code 255"},
		{"going away with less", url, settings + streamFrame(frameGoAway, 0, 0, ""), "waiting for the response: malformed HTTP/2: a short GOAWAY"},
		{"pushed", url, settings + frameText(framePush, flagEndHeaders, "\x00\x00\x00\x02\x88"),
			"waiting for the response: malformed HTTP/2: a frame that nothing led to"},
		{"another stream", url, settings + streamFrame(frameHeaders, flagEndHeaders, 3, "\x88"), "waiting for the response: malformed HTTP/2: a frame for stream 3"},
		{"no stream", url, settings + streamFrame(frameData, 0, 0, "x"), "waiting for the response: malformed HTTP/2: a frame for stream 0"},
		{"body first", url, settings + data("x"), "waiting for the response: malformed HTTP/2: a body without a header"},
		{"no status", url, settings + headers(grpcType), "waiting for the response: malformed HTTP/2: a response without a status"},
		{"status of two digits", url, settings + headers(field(":status", "20")), "waiting for the response: malformed HTTP/2: a response without a status"},
		{"big frame", url, settings + "\x00\x40\x01\x00\x00\x00\x00\x00\x01", "waiting for the response: malformed HTTP/2: a frame of 16385 bytes"},
		{"block broken up", url, settings + frameText(frameHeaders, 0, "\x88") + data("x"), "waiting for the response: malformed HTTP/2: a header block in pieces"},
		{"long block", url, settings + frameText(frameHeaders, 0, "\x88") + strings.Repeat(frameText(frameContinuation, 0, strings.Repeat("\x88", 4096)), 4),
			"waiting for the response: longer than the probe reads"},
		{"field of a table", url, settings + headers("\xbe"), "waiting for the response: malformed HTTP/2: a header field from a table that the probe does not allow"},
		{"name of a table", url, settings + headers("\x7e\x01x"), "waiting for the response: malformed HTTP/2: a header field from a table that the probe does not allow"},
		{"field 0", url, settings + headers("\x80"), "waiting for the response: malformed HTTP/2: a header field from a table that the probe does not allow"},
		{"short block", url, settings + headers("\x08\x03"), "waiting for the response: malformed HTTP/2: a header block that ends too early"},
		{"number without end", url, settings + headers("\xff\xff\xff\xff\xff"), "waiting for the response: malformed HTTP/2: a header block that ends too early"},
		{"end of code in a text", url, settings + headers("\x08\x84\xff\xff\xff\xff"), "waiting for the response: malformed HTTP/2: a header field that is not in its code"},
		{"zeros at the end of a code", url, settings + headers("\x08\x81\x00"), "waiting for the response: malformed HTTP/2: a header field that is not in its code"},
		{"nothing after settings", url, settings, "waiting for the response: the connection was closed"},
		{"half of settings", url, settings[:5], `answer is not HTTP/2: "\x00\x00\x00\x04\x00"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, sizes := range [][]byte{nil, {0}, {2, 0, 6}} {
				if got, _, _ := judgedStream(t, tt.target, probeargs.Command{}, &script{data: tt.data, sizes: sizes}); got != tt.want {
					t.Errorf("pieces %v: %q, want %q", sizes, got, tt.want)
				}
			}
		})
	}
}

// TestStreamBody covers what is only seen by those who read the body.
func TestStreamBody(t *testing.T) {
	const waiting = `200: waiting for "ready" in the body: `
	head := settings + headers("\x88")
	for _, tt := range []struct{ name, data, want string }{
		{"in pieces", data("re") + data("") + frameText(frameData, flagPadded, "\x02adxx") + frameText(frameData, flagEndStream, "y"), ""},
		{"more padding than frame", frameText(frameData, flagPadded, "\x05nope"), waiting + "malformed HTTP/2: a frame with more padding than it holds"},
		{"no place for padding", frameText(frameData, flagPadded, ""), waiting + "malformed HTTP/2: a frame with more padding than it holds"},
		{"padding in the header", frameText(frameHeaders, flagPadded|flagEndHeaders, "\x01"), waiting + "malformed HTTP/2: a frame with more padding than it holds"},
		{"trailers", data("read") + trailers(""), `200: the body does not hold "ready": "read"`},
		{"reset", data("read") + frameText(frameReset, 0, "\x00\x00\x00\x02"), waiting + "the server reset the stream: INTERNAL_ERROR"},
		{"broken off", frameText(frameData, 0, "ready")[:12], waiting + "the connection was closed"},
	} {
		if got, _, _ := judgedStream(t, "http://:80/", probeargs.Command{Body: "ready"}, &script{data: head + tt.data}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestAcknowledge shows what the probe owes a server.
func TestAcknowledge(t *testing.T) {
	ping := streamFrame(framePing, 0, 0, "12345678")
	_, _, wrote := judgedStream(t, "grpc://:80", probeargs.Command{}, &script{data: settings + ping + streamFrame(framePing, flagAck, 0, "87654321") + isServing})
	want := streamFrame(frameSettings, flagAck, 0, "") + streamFrame(framePing, flagAck, 0, "12345678") + streamFrame(frameSettings, flagAck, 0, "")
	if wrote != want {
		t.Errorf("wrote %q, want %q", wrote, want)
	}
}

// TestHuffman compares with the examples of RFC 7541, appendix C.4 to C.6, and shows
// that the code is whole: every character has the place that the lengths give it.
func TestHuffman(t *testing.T) {
	for coded, want := range map[string]string{
		"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff": "www.example.com",
		"\xa8\xeb\x10\x64\x9c\xbf":                         "no-cache",
		"\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf":             "custom-value",
		"\x64\x02":                                         "302",
		"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff": "Mon, 21 Oct 2013 20:13:21 GMT",
		"": "",
	} {
		if got, ok := unhuffman([]byte(coded)); !ok || string(got) != want {
			t.Errorf("%x: %q, %v, want %q", coded, got, ok, want)
		}
	}
	seen, room := map[rune]bool{}, 1
	for _, characters := range huffman[1:] {
		for _, c := range []byte(characters) {
			seen[rune(c)] = true
		}
		room = room*2 - len(characters)
	}
	if room != 1 || len(seen) != 256 { // the end has a place, too
		t.Errorf("%d characters, and room for %d", len(seen), room)
	}
}

// FuzzStream shows that the reader of HTTP/2 reads no more than it may, says the same
// however the bytes arrive, and says it in one harmless line.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		isServing,
		settings + trailers("\x88"+grpcType+field("grpc-status", "5")+field("grpc-message", "no%20%C3%BC")),
		settings2 + headers("\x8d") + frameText(frameData, flagPadded|flagEndStream, "\x01nopex"),
		settings + frameText(frameHeaders, flagPadded|flagPriority, "\x0112345\x20x") + frameText(frameContinuation, flagEndHeaders, "\x48\x82\x64\x02"),
		settings + streamFrame(frameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x02why"),
		settings + streamFrame(framePing, 0, 0, "12345678") + frameText(frameReset, 0, "\x00\x00\x00\x08"),
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\x15\x03\x01\x00\x02\x02\x46",
	} {
		f.Add(seed, []byte{0})
		f.Add(seed, []byte{3, 0, 16})
	}
	f.Fuzz(func(t *testing.T, data string, sizes []byte) {
		for _, tt := range []struct {
			target string
			cmd    probeargs.Command
		}{{"grpc://:80/svc", probeargs.Command{}}, {"http://:80/", probeargs.Command{}}, {"http://:80/", probeargs.Command{Body: "ready"}}} {
			whole, total, wrote := judgedStream(t, tt.target, tt.cmd, &script{data: data})
			if limit := maxStream + len(reader{}.buf); total > limit || len(wrote) > 2*limit {
				t.Errorf("%d bytes read and %d written, at most %d may be", total, len(wrote), limit)
			}
			split, _, wrote2 := judgedStream(t, tt.target, tt.cmd, &script{data: data, sizes: sizes})
			if split != whole || wrote2 != wrote {
				t.Errorf("in one piece: %s, %q\nin pieces:    %s, %q", whole, wrote, split, wrote2)
			}
			if len(whole) > 3*4*maxSnippet || !utf8.ValidString(whole) || strings.ContainsFunc(whole, unicode.IsControl) {
				t.Errorf("not a harmless line: %q", whole)
			}
		}
	})
}

// FuzzHeaderBlock shows that a header block is read to its end or refused, and that
// what the probe writes is read as it was meant.
func FuzzHeaderBlock(f *testing.F) {
	for _, seed := range []string{"\x88" + grpcType, "\x20\x48\x82\x64\x02", "\xff\x00", "\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x01\x30", "\x7f\x80\x01"} {
		f.Add([]byte(seed), "grpc-status", strings.Repeat("~", 200))
	}
	f.Fuzz(func(t *testing.T, block []byte, name, value string) {
		for b := headerBlock(block); len(b) > 0; {
			before := len(b)
			if name, value, err := b.field(); err != nil {
				break
			} else if len(b) >= before || len(name)+len(value) > 8*len(block)/5+len("content-type") {
				t.Fatalf("%d bytes left of %d, %q: %q", len(b), before, name, value)
			}
		}
		b := headerBlock(field(name, value))
		gotName, gotValue, err := b.field()
		if long := len(name) > 1<<20 || len(value) > 1<<20; !long && name != "" && (gotName != name || gotValue != value || err != nil || len(b) > 0) {
			t.Errorf("%q: %q is read %q: %q, %v, and %d bytes are left", name, value, gotName, gotValue, err, len(b))
		}
	})
}
