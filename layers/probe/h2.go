package main

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Kinds of frames: RFC 9113, section 6.
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameReset        = 3
	frameSettings     = 4
	framePush         = 5
	framePing         = 6
	frameGoAway       = 7
	frameContinuation = 9
)

// Flags of frames.
const (
	flagAck        = 0x1 // of settings and pings
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	maxFrame  = 16 << 10  // payload of a frame, unless somebody asks for more: section 4.2
	maxStream = 256 << 10 // all that is read of a connection
)

// A stream is a request and its response on an HTTP/2 connection of their own: RFC
// 9113. What it makes of the response depends only on the bytes, not on how they
// arrive. Nothing is said about flow control, since what a server may send without
// is more than the probe reads.
type stream struct {
	conn    conn
	r       reader // of the connection
	heads   int    // header blocks so far, interim ones left out
	left    int    // bytes of data in the frame that is being read
	padding int    // bytes behind them
	ended   bool   // the server has sent everything
	block   headerBlock

	// Of the fields of the response, what the probe wants to know.
	status      int
	location    string
	contentType string
	grpcStatus  string
	grpcMessage string
}

func (s *stream) set(name, value string) {
	switch name {
	case ":status":
		if n, ok := number(value, 10); ok && len(value) == 3 {
			s.status = int(n)
		}
	case "location":
		s.location = value
	case "content-type":
		s.contentType = value
	case "grpc-status":
		s.grpcStatus = value
	case "grpc-message":
		s.grpcMessage = value
	}
}

// head reads up to the header of the final response.
func (s *stream) head() error {
	if err := s.begin(); err != nil {
		return err
	}
	for s.heads == 0 {
		if err := s.next(); err != nil {
			return in("waiting for the response", err)
		}
	}
	return nil
}

// byte takes the next byte of the body. It returns errEnd behind the last one.
func (s *stream) byte() (byte, error) {
	for s.left == 0 {
		if err := s.skip(s.padding); err != nil {
			return 0, err
		}
		if s.padding = 0; s.ended {
			return 0, errEnd
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	s.left--
	return s.r.byte()
}

func (s *stream) skip(n int) error {
	for ; n > 0; n-- {
		if _, err := s.r.byte(); err != nil {
			return err
		}
	}
	return nil
}

// next reads one frame.
func (s *stream) next() error {
	f, err := s.frame()
	if err != nil {
		return err
	}
	switch {
	case f.kind > frameContinuation:
		return s.skip(f.length) // unknown kinds are passed over: section 4.1
	case f.kind == frameData:
		return s.data(f)
	}
	payload, err := s.take(f.length)
	if err != nil {
		return err
	}
	return s.handle(f, payload)
}

// begin looks at the first frame, by which a server shows that it speaks HTTP/2.
func (s *stream) begin() error {
	p, err := s.r.peek(frameHeader)
	switch {
	case isSettings(p):
		return nil
	case len(p) == 0:
		// Servers that expect a TLS handshake, or HTTP/1 and nothing else, may close
		// without a word.
		if err == errClosed || err == syscall.ECONNRESET {
			err = errors.New(err.Error() + ": perhaps the port does not speak HTTP/2, or only through TLS")
		}
		return in("waiting for HTTP/2 settings", err)
	}
	switch p := s.r.opening(); {
	case isAlert(p):
		return errors.New("answer is a TLS alert: the port speaks TLS, not plain HTTP/2")
	case len(p) > 5 && string(p[:5]) == "HTTP/":
		return errors.New("answer is HTTP/1: the port does not speak HTTP/2: " + snippet(p))
	default:
		return errors.New("answer is not HTTP/2: " + snippet(p))
	}
}

// A frame is the header of a frame: section 4.1.
type frame struct {
	length int
	kind   byte
	flags  byte
	stream uint32
}

func (f frame) has(flag byte) bool { return f.flags&flag != 0 }

func (s *stream) frame() (frame, error) {
	p, err := s.take(frameHeader)
	if err != nil {
		return frame{}, err
	}
	f := frame{int(p[0])<<16 | int(p[1])<<8 | int(p[2]), p[3], p[4], number32(p[5:]) &^ (1 << 31)}
	switch {
	case f.length > maxFrame:
		return f, malformed("a frame of " + strconv.Itoa(f.length) + " bytes")
	case f.kind > frameContinuation:
	case f.stream > 1 || f.stream == 0 && (f.kind <= frameReset || f.kind == frameContinuation):
		return f, malformed("a frame for stream " + strconv.Itoa(int(f.stream)))
	}
	return f, nil
}

func number32(p []byte) uint32 {
	return uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
}

func (s *stream) take(n int) ([]byte, error) {
	p := make([]byte, n)
	for i := range p {
		var err error
		if p[i], err = s.r.byte(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// data begins to read a frame of the body.
func (s *stream) data(f frame) error {
	if s.heads == 0 {
		return malformed("a body without a header")
	}
	s.left = f.length
	if f.has(flagPadded) {
		p, err := s.take(min(1, f.length))
		if err != nil {
			return err
		}
		if len(p) == 0 || int(p[0]) >= f.length {
			return errPadding()
		}
		s.padding = int(p[0])
		s.left -= 1 + s.padding
	}
	s.ended = f.has(flagEndStream)
	return nil
}

func errPadding() error { return malformed("a frame with more padding than it holds") }

func malformed(what string) error { return errors.New("malformed HTTP/2: " + what) }

// handle does what a frame other than data asks for.
func (s *stream) handle(f frame, payload []byte) error {
	switch f.kind {
	case frameHeaders:
		return s.headers(f, payload)
	case frameReset:
		return errors.New("the server reset the stream: " + errorCode(payload))
	case frameGoAway:
		return s.goAway(payload)
	case frameSettings:
		if !f.has(flagAck) {
			s.answer(frameSettings, nil)
		}
	case framePing:
		if !f.has(flagAck) && len(payload) == 8 {
			s.answer(framePing, payload)
		}
	case framePush, frameContinuation:
		return malformed("a frame that nothing led to")
	}
	return nil // a priority or window update: of no interest
}

// answer acknowledges settings or a ping. If that goes wrong, reading shows why.
func (s *stream) answer(kind byte, payload []byte) {
	header := []byte{0, 0, byte(len(payload)), kind, flagAck, 0, 0, 0, 0}
	_ = s.conn.write(append(header, payload...))
}

// headers reads what is left of a header block, and decodes it.
func (s *stream) headers(f frame, p []byte) error {
	if f.has(flagPadded) {
		if len(p) == 0 || int(p[0]) >= len(p) {
			return errPadding()
		}
		p = p[1 : len(p)-int(p[0])]
	}
	if f.has(flagPriority) {
		p = p[min(5, len(p)):]
	}
	s.block = p
	ended := f.has(flagEndStream)
	for !f.has(flagEndHeaders) {
		var err error
		if f, err = s.frame(); err != nil {
			return err
		}
		switch {
		case f.kind != frameContinuation:
			return malformed("a header block in pieces")
		case len(s.block)+f.length > maxHead:
			return errTooLong
		}
		if p, err = s.take(f.length); err != nil {
			return err
		}
		s.block = append(s.block, p...)
	}
	return s.fields(ended)
}

// fields sets what the header block says. Interim responses are of no interest.
func (s *stream) fields(ended bool) error {
	for len(s.block) > 0 {
		name, value, err := s.block.field()
		if err != nil {
			return err
		}
		s.set(name, value)
	}
	s.ended = ended
	if s.heads == 0 && (s.status < 100) {
		return malformed("a response without a status")
	}
	if s.heads > 0 || s.status >= 200 || ended {
		s.heads++
	}
	return nil
}

// goAway ends the connection, unless the server will still answer.
func (s *stream) goAway(p []byte) error {
	if len(p) < 8 {
		return malformed("a short GOAWAY")
	}
	if last, code := number32(p)&^(1<<31), number32(p[4:]); last >= 1 && code == 0 {
		return nil
	}
	text := "the server ended the connection: " + errorCode(p[4:])
	if len(p) > 8 {
		text += ": " + snippet(p[8:])
	}
	return errors.New(text)
}

// errorCodes are those of section 7, from 0 on.
const errorCodes = "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED " +
	"FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY " +
	"HTTP_1_1_REQUIRED"

// errorCode returns the name of the code at the beginning of p.
func errorCode(p []byte) string {
	if len(p) < 4 {
		return "no code"
	}
	return nameOf(int(number32(p)), errorCodes, "code ")
}

// nameOf returns the n-th of the names, or else kind and number.
func nameOf(n int, names, kind string) string {
	rest, more := names, true
	for i := 0; more; i++ {
		var name string
		if name, rest, more = probeargs.Cut(rest, " "); i == n {
			return name
		}
	}
	return kind + strconv.Itoa(n)
}
