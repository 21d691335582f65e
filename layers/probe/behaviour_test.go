package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	ok200    = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"
	chunked  = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	getURL   = `GET http://127\.0\.0\.1:PORT/healthz: `
	localURL = "http://:PORT/healthz"
)

// TestHTTP shows what the probe makes of answers. PORT stands for the server's port.
func TestHTTP(t *testing.T) {
	tests := []struct {
		name  string
		serve func(net.Conn)
		args  string   // separated by |; "" means localURL
		want  []string // see result.check
	}{
		{name: "up", serve: answer(ok200)},
		{name: "connection kept open", serve: hold(ok200)},
		{name: "HTTP/1.0", serve: answer("HTTP/1.0 200 OK\r\n\r\nready")},
		{name: "no reason", serve: answer("HTTP/1.1 200\r\n\r\n")},
		{name: "no CR", serve: answer("HTTP/1.1 200 OK\n\n")},
		{name: "status line only", serve: hold("HTTP/1.1 204 No Content\r\n")},
		{name: "redirect is not followed", serve: answer("HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n\r\n")},
		{name: "100 then 200", serve: answer("HTTP/1.1 100 Continue\r\n\r\n" + ok200)},
		{name: "103 then 503", serve: answer("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 503 No\r\n\r\n"),
			want: []string{getURL + `503 "No"`}},
		{name: "1 TiB body", serve: endless("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", strings.Repeat("x", 1<<20), 0), args: "-timeout=1h|" + localURL},
		{name: "1 TiB body of an error", serve: endless("HTTP/1.1 500 Oops\r\nContent-Length: 1099511627776\r\n\r\n", strings.Repeat("x", 1<<20), 0), args: "-timeout=1h|" + localURL,
			want: []string{getURL + `500 "Oops": "x{200}"\.\.\.`}},
		{name: "dripping body", serve: drip("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 10_000)), args: "-timeout=1h|" + localURL},

		{name: "503 with a cause", serve: answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 22\r\n\r\ndb: connection refused"),
			want: []string{getURL + `503 "Service Unavailable": "db: connection refused"`}},
		{name: "503 with a chunked cause", serve: answer("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndb:\r\n5;x=y\r\n down\r\n0\r\n\r\n"),
			want: []string{getURL + `503 "Service Unavailable": "db: down"`}},
		{name: "503 whose cause drips", serve: drip("HTTP/1.1 503 Service Unavailable\r\n\r\n", strings.Repeat("x", 1000)),
			args: "-timeout=1h|" + localURL,
			want: []string{getURL + `503 "Service Unavailable": "x+"`}},
		{name: "503 whose cause never comes", serve: hold("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n"),
			args: "-timeout=1h|" + localURL,
			want: []string{getURL + `503 "Service Unavailable"`}},
		{name: "escapes", serve: answer("HTTP/1.1 500 \x1b[31mred\r\n\r\nline\nunhealthy: forged\x00\xff\u202e\u061cé\n"),
			want: []string{getURL + `500 "\\x1b\[31mred": "line\\nunhealthy: forged\\x00\\xff\\xe2\\x80\\xae\\xd8\\x9cé"`}},

		{name: "reason that a shell would run", serve: answer("HTTP/1.1 503 ; id >/pwned #\"\r\n\r\n"),
			want: []string{getURL + `503 "; id >/pwned #\\""`}},

		{name: "silent", serve: hold(""), args: "-timeout=500ms|" + localURL,
			want: []string{getURL + "waiting for the status line: timed out"}},
		{name: "dripping status", serve: drip("", "HTTP/1.1 200 "+strings.Repeat("O", 10_000)), args: "-timeout=500ms|" + localURL,
			want: []string{getURL + `waiting for the rest of "HTTP/1\.1 [^"]*": timed out`}},
		{name: "100 and then nothing", serve: hold("HTTP/1.1 100 Continue\r\n\r\n"), args: "-timeout=500ms|" + localURL,
			want: []string{getURL + `waiting for the final status after 100 "Continue": timed out`}},
		{name: "endless interim responses", serve: endless("", "HTTP/1.1 103 Early Hints\r\n\r\n", pace), args: "-timeout=500ms|" + localURL,
			want: []string{getURL + `waiting for the final status after 103 "Early Hints": timed out`}},
		{name: "fast endless interim responses", serve: endless("", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000), 0),
			args: "-timeout=500ms|" + localURL,
			want: []string{getURL + "waiting for .*: timed out"}},
		{name: "endless header", serve: endless("HTTP/1.1 100 Continue\r\n", "X: y\r\n", 0),
			want: []string{getURL + `waiting for the final status after 100 "Continue": reading the header: longer than the probe reads`}},
		{name: "endless status line", serve: endless("HTTP/1.1 200 ", "O", 0),
			want: []string{getURL + `waiting for the rest of "HTTP/1\.1 200 O+"\.\.\.: longer than the probe reads`}},

		{name: "closes at once", serve: answer(""), want: []string{getURL + "waiting for the status line: the connection was closed"}},
		{name: "closes in the status line", serve: answer("HTTP/1.1 2"),
			want: []string{getURL + `waiting for the rest of "HTTP/1\.1 2": the connection was closed`}},
		{name: "SSH", serve: hold("SSH-2.0-OpenSSH_9.6\r\n"), args: "-timeout=1h|" + localURL,
			want: []string{getURL + `answer is not HTTP: "SSH-2\.0-OpenSSH_9\.6"`}},
		{name: "garbage", serve: answer("\x00\x01\x02"), want: []string{getURL + `answer is not HTTP: "\\x00\\x01\\x02"`}},
		{name: "almost HTTP", serve: answer("HTTP/1.1 20O OK\r\n\r\n"), want: []string{getURL + `status line "HTTP/1\.1 20O OK" is malformed`}},
		{name: "TLS", serve: answer("\x15\x03\x01\x00\x02\x02\x46"), want: []string{getURL + "answer is a TLS alert: the port speaks TLS, not plain HTTP"}},
		{name: "HTTP/2", serve: hold("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"),
			want: []string{getURL + "answer is HTTP/2: the port does not speak HTTP/1.1: ask it with -http2"}},

		{name: "status wanted", serve: answer("HTTP/1.1 404 Not Found\r\n\r\n"), args: "-status=200-299,404|" + localURL},
		{name: "status not wanted", serve: answer("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n"), args: "-status|200|" + localURL,
			want: []string{getURL + `302 "Found" to "/login"`}},
		{name: "body holds", serve: answer(ok200), args: "-body=ead|" + localURL},
		{name: "body does not hold", serve: answer(ok200), args: "-body=busy|" + localURL,
			want: []string{getURL + `200 "OK": the body does not hold "busy": "ready"`}},
		{name: "body ends before", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nready"), args: "-body=ready|" + localURL,
			want: []string{getURL + `200 "OK": the body does not hold "ready": "re"`}},
		{name: "body in chunks", serve: drip(chunked, "2\r\nre\r\n3\r\nady\r\n0\r\n\r\n"), args: "-body=ready|" + localURL},
		{name: "body in bad chunks", serve: answer(chunked + "2\r\nready\r\n"), args: "-body=ready|" + localURL,
			want: []string{getURL + `200 "OK": waiting for "ready" in the body: chunk "ady" is malformed`}},
		{name: "body that ends with the connection", serve: answer("HTTP/1.1 200 OK\r\n\r\nnot yet"), args: "-body=ready|" + localURL,
			want: []string{getURL + `200 "OK": the body does not hold "ready": "not yet"`}},
		{name: "body broken off", serve: answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nre"), args: "-body=ready|" + localURL,
			want: []string{getURL + `200 "OK": waiting for "ready" in the body: the connection was closed`}},
		{name: "body too far away", serve: endless("HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 16<<10), "ready", 0), args: "-body=ready|" + localURL,
			want: []string{getURL + `200 "OK": the first 16 KiB of the body do not hold "ready": "x{200}"\.\.\.`}},
		{name: "body just near enough", serve: answer("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 16<<10-5) + "ready"), args: "-body=ready|" + localURL},
		{name: "body too late", serve: hold("HTTP/1.1 200 OK\r\n\r\nrea"), args: "-body=ready|-timeout=500ms|" + localURL,
			want: []string{getURL + `200 "OK": waiting for "ready" in the body: timed out`}},
		{name: "no body", serve: hold("HTTP/1.1 204 No Content\r\n\r\n"), args: "-body=ready|" + localURL,
			want: []string{getURL + `204 "No Content": the body does not hold "ready": ""`}},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp4")
				serve(t, l, tt.serve)
				withPort := strings.NewReplacer("PORT", port(l))
				args := tt.args
				if args == "" {
					args = localURL
				}
				var want []string
				for _, w := range tt.want {
					want = append(want, withPort.Replace(w))
				}
				command := strings.Split(withPort.Replace(args), "|")
				v.run(t, nil, command...).check(t, want...)
			})
		}
	}
}

// TestRequest shows the bytes that a server gets.
func TestRequest(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"default", nil, []string{"GET /healthz HTTP/1.1", "Host: localhost:PORT", "User-Agent: kohealth", "Accept: */*", "Connection: close"}},
		{"header", []string{"-header", "X-Probe: 1", "--header=host: example.org", "-header", "Authorization: Bearer ${TOKEN}"},
			[]string{"GET /healthz HTTP/1.1", "User-Agent: kohealth", "Accept: */*", "Connection: close",
				"X-Probe: 1", "host: example.org", "Authorization: Bearer s3cret"}},
		{"method", []string{"-method=POST"}, []string{"POST /healthz HTTP/1.1", "Host: localhost:PORT", "User-Agent: kohealth",
			"Accept: */*", "Connection: close", "Content-Length: 0"}},
		{"HEAD", []string{"-method", "HEAD"}, []string{"HEAD /healthz HTTP/1.1", "Host: localhost:PORT", "User-Agent: kohealth",
			"Accept: */*", "Connection: close"}},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp4")
				requests := make(chan []string, 1)
				serve(t, l, func(c net.Conn) {
					requests <- readRequest(c)
					io.WriteString(c, ok200)
				})
				// A proxy is never asked for something in the same container.
				env := []string{"TOKEN=s3cret", "HTTP_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1"}
				v.run(t, env, append(tt.args, "http://:"+port(l)+"/healthz")...).check(t)
				got := strings.Join(<-requests, "\n")
				want := strings.ReplaceAll(strings.Join(tt.want, "\n"), "PORT", port(l))
				if got != want {
					t.Errorf("the server got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// TestSecret shows that what a header holds is not in the message, nor a password
// that was meant for one.
func TestSecret(t *testing.T) {
	for _, v := range systems() {
		for _, args := range []string{
			"-header|Authorization: ${TOKEN}\x01|http://:1/", "-header|Authorization ${TOKEN}|http://:1/", "-header|Authorization ${TOKEN}:x|http://:1/",
			"-header|Bad name: ${TOKEN}|http://:1/", "-header|Content-Length: ${TOKEN}|http://:1/", "http://user:${TOKEN}@:1/", "http://s3cret@:$NONE/",
		} {
			r := v.run(t, []string{"TOKEN=s3cret"}, strings.Split(args, "|")...)
			if r.code != unhealthy || strings.Contains(r.stderr, "s3cret") {
				t.Errorf("%s: exit code %d, stderr %q", v.name, r.code, r.stderr)
			}
		}
	}
}

// TestSecretBody shows the same of the text that a body has to hold.
func TestSecretBody(t *testing.T) {
	for _, v := range systems() {
		for answered, want := range map[string]string{
			ok200:                `the body does not hold "$TOKEN-${TOKEN}": "ready"`,
			ok200[:len(ok200)-1]: `waiting for "$TOKEN-${TOKEN}" in the body`,
		} {
			l := listen(t, "tcp4")
			serve(t, l, answer(answered))
			r := v.run(t, []string{"TOKEN=s3cret"}, "-body", "$TOKEN-${TOKEN}", "http://:"+port(l)+"/")
			if r.code != unhealthy || strings.Contains(r.stderr, "s3cret") || !strings.Contains(r.stderr, want) {
				t.Errorf("%s: code %d, %s, want %s", v.name, r.code, r.stderr, want)
			}
		}
	}
}

// TestSecretPath shows that messages hold variables of a path and a query as they are
// written, and all others as their values.
func TestSecretPath(t *testing.T) {
	for _, v := range systems() {
		l := listen(t, "tcp4")
		serve(t, l, answer("HTTP/1.1 401 Unauthorized\r\n\r\n"))
		env := []string{"APP_PORT=" + port(l), "TOKEN=s3cret", "BAD=s3cret\n"}
		r := v.run(t, env, "http://:$APP_PORT/${TOKEN}/x?token=$TOKEN")
		r.check(t, `GET http://127\.0\.0\.1:`+port(l)+`/\$\{TOKEN\}/x\?token=\$TOKEN: 401 "Unauthorized"`)
		var stdout bytes.Buffer
		cmd := v.command(env, "-json", "http://:$APP_PORT/?$TOKEN", "http://:$APP_PORT/?$BAD")
		cmd.Stdout = &stdout
		r = execute(t, cmd)
		if all := r.stderr + stdout.String(); strings.Contains(all, "s3cret") || !strings.Contains(all, "?$BAD") {
			t.Errorf("%s: %s", v.name, all)
		}
	}
}

// TestConnect covers what does not depend on an answer.
func TestConnect(t *testing.T) {
	tests := []struct {
		name    string
		network string // on which an HTTP server listens at PORT; "" means nothing does
		args    string
		want    []string
	}{
		{"IPv4 only", "tcp4", "http://:PORT/", nil},
		{"IPv6 only", "tcp6", "http://:PORT/", nil},
		{"IPv6 only and localhost", "tcp6", "http://localhost:PORT/", nil},
		{"both", "tcp", "http://:PORT/", nil},
		{"IPv4 address", "tcp4", "tcp://127.0.0.1:PORT", nil},
		{"IPv6 address", "tcp6", "tcp://[::1]:PORT", nil},
		{"tcp", "tcp6", "tcp://:PORT", nil},
		{"wrong family", "tcp6", "tcp://127.0.0.1:PORT", []string{`tcp://127\.0\.0\.1:PORT: connecting to 127\.0\.0\.1:PORT: connection refused`}},
		{"refused", "", "http://:PORT/healthz",
			[]string{`GET http://:PORT/healthz: connecting to 127\.0\.0\.1:PORT and \[::1\]:PORT: connection refused`}},
		{"refused on IPv6", "", "tcp://[::1]:PORT", []string{`tcp://\[::1\]:PORT: connecting to \[::1\]:PORT: connection refused`}},
		{"several", "tcp", "http://:PORT/|tcp://:PORT", nil},
		{"several, two fail", "tcp4", "tcp://[::1]:PORT|http://:PORT/|file:///no/such/file|tcp://:PORT", []string{
			`tcp://\[::1\]:PORT: connecting to \[::1\]:PORT: connection refused`,
			`file:///no/such/file: no such file or directory`}},
		{"unix", "", "unix:///no/such/socket", []string{`unix:///no/such/socket: connecting to /no/such/socket: no such file or directory`}},
		{"variables", "tcp", "http://:$APP_PORT/|http://:${APP_PORT}/|http://:${APP_PORT:-1}/|http://:${NONE:-PORT}/|http://:${EMPTY:-PORT}/?$$", nil},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			if v == windows && tt.name == "unix" {
				continue // Wine knows no Unix sockets
			}
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				var p string
				if tt.network == "" {
					p = closedPort(t)
				} else {
					l := listen(t, tt.network)
					serve(t, l, answer(ok200))
					p = port(l)
				}
				withPort := strings.NewReplacer("APP_PORT", "APP_PORT", "PORT", p)
				var want []string
				for _, w := range tt.want {
					want = append(want, withPort.Replace(w))
				}
				args := strings.Split(withPort.Replace(tt.args), "|")
				v.run(t, []string{"APP_PORT=" + p, "EMPTY="}, args...).check(t, want...)
			})
		}
	}
}

func TestUnixSocket(t *testing.T) {
	for _, v := range variants {
		// t.TempDir is too long for a socket on some systems.
		dir, err := os.MkdirTemp("", "s")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		sock := filepath.ToSlash(filepath.Join(dir, "s"))
		l, err := net.Listen("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		requests := make(chan []string, 1)
		serve(t, l, func(c net.Conn) {
			requests <- readRequest(c)
			io.WriteString(c, "HTTP/1.1 500 Oops\r\n\r\n")
		})
		v.run(t, nil, "unix://"+sock).check(t)
		<-requests
		v.run(t, nil, "http+unix://"+sock+":/a:b?c").check(t, regexp.QuoteMeta("GET http+unix://"+sock+`:/a:b?c: 500 "Oops"`))
		if got := <-requests; len(got) < 2 || got[0] != "GET /a:b?c HTTP/1.1" || got[1] != "Host: localhost" {
			t.Errorf("%s: the server got %q", v.name, got)
		}
	}
}

func TestFile(t *testing.T) {
	file := filepath.ToSlash(filepath.Join(t.TempDir(), "alive"))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	target := regexp.QuoteMeta("file://" + file)
	tests := []struct {
		name  string
		age   time.Duration
		query string
		want  []string
	}{
		{"exists", 1000 * time.Hour, "", nil},
		{"young", 0, "?max_age=60s", nil},
		{"old", 75 * time.Second, "?max_age=60s", []string{target + `\?max_age=60s: modified 7\d(\.\d)?s ago, more than 60s`}},
		{"a little in the future", -10 * time.Second, "?max_age=60s", nil},
		{"in the future", -75 * time.Second, "?max_age=1m", []string{target + `\?max_age=60s: modified 7\d(\.\d)?s in the future`}},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				modified := time.Now().Add(-tt.age)
				if err := os.Chtimes(file, modified, modified); err != nil {
					t.Fatal(err)
				}
				v.run(t, nil, "file://"+file+tt.query).check(t, tt.want...)
			})
		}
	}
}

// known names the flags.
const known = ": there are -status -header -method -body -http2 -insecure -cacert -servername -cert -key -path -timeout -log -json -v"

// TestUsage shows that a command line which the probe does not understand is
// unhealthy. Package probeargs tests the rest of them.
func TestUsage(t *testing.T) {
	tests := []struct{ args, want string }{
		{"-stats|200|http://:1", `unknown flag "-stats"` + known},
		{"", "no target is given: reading " + filepath.Join(filepath.Dir(variants[0].path), "args") + ": no such file or directory: write one, such as http://:8080/healthz"},
		{"http://:$PORT/", `parsing target "http://:$PORT/": variable PORT is not set`},
		{"tcp://:$EMPTY", `parsing target "tcp://:$EMPTY": variable EMPTY is empty`},
		{"-help", `unknown flag "-help"` + known},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			args := strings.Split(tt.args, "|")
			if tt.args == "" {
				args = nil
			}
			r := v.run(t, []string{"EMPTY="}, args...)
			if want := "unhealthy: " + tt.want + "\n"; r.code != unhealthy || r.stderr != want {
				t.Errorf("%s %q: exit code %d, stderr %q, want %q", v.name, tt.args, r.code, r.stderr, want)
			}
		}
	}
}

// TestLongTarget shows that a long URL does not push the cause out of the message.
func TestLongTarget(t *testing.T) {
	p := closedPort(t)
	for _, v := range systems() {
		r := v.run(t, nil, "http://:"+p+"/"+strings.Repeat("x", 2*maxReport))
		r.check(t, `GET http://:`+p+`/x+: connecting to .*: connection refused`)
		if len(r.stderr) > maxReport {
			t.Errorf("%s: %d bytes", v.name, len(r.stderr))
		}
		r = v.run(t, nil, "http://:"+p+"/ "+strings.Repeat("x", 2*maxReport))
		if !strings.HasSuffix(r.stderr, ": the request path holds a character that must be percent-encoded\n") {
			t.Errorf("%s: %s", v.name, r.stderr)
		}
	}
}

// TestDrain shows that a server which answers in one go sees its connection end
// in an orderly way, although the probe has stopped reading at the status line.
func TestDrain(t *testing.T) {
	for _, v := range systems() {
		l := listen(t, "tcp4")
		ended := make(chan error, 1)
		serve(t, l, func(c net.Conn) {
			readRequest(c)
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 20<<10))
			if err == nil {
				_, err = c.Read(make([]byte, 1)) // a reset, or the end
			}
			ended <- err
		})
		v.run(t, nil, "http://:"+port(l)).check(t)
		if err := <-ended; err != io.EOF {
			t.Errorf("%s: the server saw %v, want the end of the connection", v.name, err)
		}
	}
}
