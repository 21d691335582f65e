package main

import (
	"errors"
	"strconv"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Where gRPC's health service is, and what it may answer:
// https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto
const healthMethod = "/grpc.health.v1.Health/Check"

const serving = 1

const servingNames = "UNKNOWN SERVING NOT_SERVING SERVICE_UNKNOWN"

// Codes of gRPC: https://grpc.io/docs/guides/status-codes/
const (
	codeNotFound      = 5
	codeUnimplemented = 12
)

const codeNames = "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED " +
	"RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"

// grpc checks that a gRPC server says of itself, or of one of its services, that it
// serves.
func (c check) grpc(t probeargs.Target) (what string, err error) {
	conn, what, err := c.open(t)
	if err != nil {
		return what, err
	}
	s, err := ask(conn, c.question(t))
	if err == nil {
		err = s.judge(t.Path)
		conn.drain()
	}
	conn.close()
	return what, err
}

// question returns the request, in the form of
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func (c check) question(t probeargs.Target) string {
	// A second after the probe gives up, so that it can say what it was waiting for.
	timeout := int(max(until(c.deadline), 0)/probeargs.Millisecond) + 1000
	header := c.header2(t, "POST", healthMethod, field("te", "trailers")+
		c.unless("content-type", "application/grpc")+c.unless("grpc-timeout", strconv.Itoa(timeout)+"m"))
	message := "" // HealthCheckRequest { string service = 1; }
	if t.Path != "" {
		message = "\x0a" + varintText(len(t.Path)) + t.Path
	}
	n := len(message) // at most probeargs' limit for a service, and a little
	return request2(header, string([]byte{0, 0, 0, byte(n >> 8), byte(n)})+message)
}

// judge reports whether a response says that the service serves. It does so only if
// the call came to a good end.
func (s *stream) judge(service string) error {
	if s.grpcStatus == "" && (s.status != 200 || !probeargs.HasPrefix(s.contentType, "application/grpc")) {
		return s.notGRPC()
	}
	answer, found, err := search(s.byte, "", maxHead)
	switch {
	case err == nil || found:
		return in("reading the answer", errTooLong)
	case err != errEnd:
		return in("waiting for the end of the answer", err)
	case s.grpcStatus != "0":
		return s.failure(service)
	}
	status, ok := parseAnswer(answer)
	switch {
	case !ok:
		return errors.New("the answer " + snippet(answer) + " is not one of a health service")
	case status == serving:
		return nil
	}
	return errors.New("serving status " + nameOf(status, servingNames, ""))
}

// notGRPC describes an answer of a server that speaks HTTP/2 and not gRPC.
func (s *stream) notGRPC() error {
	s.r.src.hurry()
	text := "answer is HTTP/2 but not gRPC: "
	if s.status == 200 {
		text += "content-type " + snippet([]byte(s.contentType)) + ": "
	}
	return errors.New(text + described(response{status: s.status}, s.location, s.byte).Error())
}

// failure describes a call that did not come to a good end.
func (s *stream) failure(service string) error {
	code, ok := number(s.grpcStatus, 10)
	switch {
	case s.grpcStatus == "":
		return errors.New("the answer ended without a grpc-status")
	case code == codeUnimplemented:
		return errors.New("the server has no health service: register grpc.health.v1.Health, or check tcp:// instead" + s.said())
	case code == codeNotFound:
		return errors.New("the health service does not know " + probeargs.Quote(service) + s.said())
	case !ok:
		return errors.New("malformed grpc-status " + snippet([]byte(s.grpcStatus)) + s.said())
	}
	return errors.New("status " + nameOf(int(code), codeNames, "") + s.said())
}

// said returns what the server said of a failure, which is percent-encoded.
func (s *stream) said() string {
	if s.grpcMessage == "" {
		return ""
	}
	var text []byte
	for m := s.grpcMessage; m != ""; m = m[1:] {
		if m[0] == '%' && len(m) > 2 {
			if n, ok := number(m[1:3], 16); ok {
				text, m = append(text, byte(n)), m[2:]
				continue
			}
		}
		text = append(text, m[0])
	}
	return ": " + snippet(text)
}

// parseAnswer parses the one message of an answer:
//
//	message HealthCheckResponse { ServingStatus status = 1; }
//
// https://protobuf.dev/programming-guides/encoding/
func parseAnswer(p []byte) (status int, ok bool) {
	if len(p) < 5 || p[0] != 0 || int(number32(p[1:])) != len(p)-5 {
		return 0, false
	}
	for p = p[5:]; len(p) > 0; {
		field := p[0]
		var n int
		if n, p, ok = varint(p[1:]); !ok || field&7 != 0 {
			return 0, false
		}
		if field == 1<<3 {
			status = n
		}
	}
	return status, true
}

// varint takes a number of at most 28 bits.
func varint(p []byte) (n int, rest []byte, ok bool) {
	for i := 0; i < len(p) && i < 4; i++ {
		n |= int(p[i]&0x7f) << (7 * i)
		if p[i] < 0x80 {
			return n, p[i+1:], true
		}
	}
	return 0, nil, false
}
