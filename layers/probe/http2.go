package main

import "github.com/ko-health/kohealth/builder/health/probeargs"

// http2 is http for a server that speaks HTTP/2 without being asked for it: RFC 9113,
// section 3.3.
func (c check) http2(what string, conn conn, t probeargs.Target) *outcome {
	s, err := ask(conn, request2(c.header2(t, c.method(), t.Path, ""), ""))
	if err != nil {
		return done(what, err)
	}
	resp := response{status: s.status}
	switch {
	case !c.cmd.Healthy(s.status):
		conn.hurry()
		err = described(resp, s.location, s.byte)
	case c.cmd.Body != "":
		err = c.holds(s.byte, resp)
	}
	conn.drain()
	return &outcome{what: what, seen: resp.text(), status: resp.status, err: err}
}

// ask sends a request and reads the header of the response.
func ask(conn conn, request string) (*stream, error) {
	sent := conn.write([]byte(request))
	s := &stream{conn: conn, r: reader{src: conn, left: maxStream}}
	err := s.head()
	if err != nil && sent != nil {
		err = in("sending the request", sent)
	}
	return s, err
}
