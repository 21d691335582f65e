package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestHTTP2 asks net/http's own HTTP/2.
func TestHTTP2(t *testing.T) {
	var printable string // also in every code that a header can be in
	for c := byte(' ') + 1; c < 0x7f; c++ {
		printable += string(rune(c))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/up", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ready") })
	mux.HandleFunc("/down", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "db: connection refused", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/"+printable)
		w.WriteHeader(302)
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		w.WriteHeader(418)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("~", 20<<10))
		io.WriteString(w, "ready")
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		for n := 0; n < 1<<20; n += 1 << 10 {
			io.WriteString(w, strings.Repeat("x", 1<<10))
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %q %q", r.Method, r.Host, r.Proto, r.UserAgent(), r.Header["X-Probe"])
	})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)

	tests := []struct{ args, want string }{ // separated by |; want stands behind the URL
		{"/up", ""},
		{"/up|-body=ready", ""},
		{"/up|-body=busy", `200: the body does not hold "busy": "ready"`},
		{"/up|-status=204", `200: "ready"`},
		{"/up|-method=HEAD", ""},
		{"/empty|-status=204", ""},
		{"/empty|-body=x", `204: the body does not hold "x": ""`},
		{"/down", `503: "db: connection refused"`},
		{"/moved", ""},
		{"/moved|-status=200", `302 to ` + regexp.QuoteMeta(strconv.Quote("/"+printable))},
		{"/hints", "418"},
		{"/long", "waiting for the response: longer than the probe reads"},
		{"/big", ""},
		{"/big|-body=y", `200: the first 16 KiB of the body do not hold "y": "x{200}"\.\.\.`},
		{"/echo?a=b|-method=POST|-header=X-Probe: 1|-header=Host: example.org|-body=POST example.org HTTP/2.0 \"kohealth\" [\"1\"]", ""},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+tt.args, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp4")
				serveHTTP(t, l, &http.Server{Protocols: &p, Handler: mux})
				args := append([]string{"-http2"}, strings.Split("http://:"+port(l)+tt.args, "|")...)
				var want []string
				if tt.want != "" {
					path, _, _ := strings.Cut(tt.args, "|")
					want = []string{`GET http://127\.0\.0\.1:` + port(l) + path + ": " + tt.want}
				}
				v.run(t, nil, args...).check(t, want...)
			})
		}
	}
}

// TestReset shows what is said of a server that resets what is not HTTP/2.
func TestReset(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, func(c net.Conn) {
		readRequest(c)
		c.(*net.TCPConn).SetLinger(0)
	})
	url := "http://127.0.0.1:" + port(l) + "/"
	at := "GET http://127.0.0.1:" + port(l) + "/: waiting for the status line: connection reset by peer"
	for _, v := range variants {
		v.run(t, nil, url).check(t, at+": if the server speaks only HTTP/2, ask it with -http2")
		execute(t, v.as("curl", url)).check(t, at)
	}
}

func TestHTTP2OverUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	sock := filepath.ToSlash(filepath.Join(dir, "s"))
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	serveHTTP(t, l, &http.Server{Protocols: &p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+r.Host)
	})})
	for _, v := range variants {
		v.run(t, nil, "-http2", "-body=HTTP/2.0 localhost", "http+unix://"+sock+":/up").check(t)
		v.run(t, nil, "-http2", "-status=404", "http+unix://"+sock+":/up").check(t, "GET http\\+unix://"+regexp.QuoteMeta(sock)+`:/up: 200: "HTTP/2\.0 localhost"`)
	}
}
