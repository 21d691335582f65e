package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// as returns the command that runs the probe by the name of a tool.
func (v *variant) as(tool string, args ...string) *exec.Cmd {
	cmd := exec.Command(v.path, args...)
	cmd.Args[0] = tool
	if v.emu != nil {
		cmd = exec.Command(v.emu[0], append([]string{"-0", tool, v.path}, args...)...)
	}
	// A proxy is never asked for something in the same container.
	cmd.Env = []string{"GOTRACEBACK=none", "HEALTHCHECK_LOG=false", "http_proxy=http://127.0.0.1:1"}
	return cmd
}

// site answers with the status that begins the path. What follows the status is
// where to it redirects; HEAD has a status of its own.
//
//	/200        200
//	/302/200    302 to /200
//	/H405/200   405 to HEAD, 200 to others
var site = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	first, next, more := strings.Cut(r.URL.Path[1:], "/")
	if head, ok := strings.CutPrefix(first, "H"); ok {
		if first, more = next, false; r.Method == "HEAD" {
			first = head
		}
	}
	switch first {
	case "cut": // breaks off
		w.Header().Set("Content-Length", "9")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "ok")
		return
	case "loop":
		next, more, first = "loop", true, "302"
	case "out":
		w.Header().Set("Location", "http://192.0.2.1/")
		first = "302"
	case "away":
		w.Header().Set("Location", "//"+r.Host+"/200")
		first = "302"
	case "up":
		w.Header().Set("Location", "../x/./..//200?a#b")
		first = "302"
	case "x":
		first = "200"
	}
	if more {
		w.Header().Set("Location", "/"+next)
	}
	code := 0
	for _, c := range first {
		code = code*10 + int(c-'0')
	}
	if len(first) != 3 || code < 200 || code > 599 {
		code = http.StatusTeapot
	}
	w.WriteHeader(code)
	if code != http.StatusNoContent && code != http.StatusNotModified {
		io.WriteString(w, "body")
	}
})

// serveSite serves a site until the test ends.
func serveSite(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	server := &http.Server{Handler: h}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

// realTool returns a command that runs the tool itself. Its absence is an error where
// everything is to be tested: .ci/run installs the tools.
func realTool(t *testing.T, argv ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(argv[0])
	if err != nil && os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skipf("%s is not installed: see .ci/run", argv[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, argv[1:]...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + cmd.Dir}
	return cmd
}

// succeeds reports whether a tool exits with 0.
func succeeds(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err == nil
}

// sideBySide runs a command line with the tool itself and with the probe, and
// compares what they make of it.
func sideBySide(t *testing.T, argv ...string) {
	t.Helper()
	compare(t, variants, argv)
}

func compare(t *testing.T, vs []*variant, argv []string) {
	t.Helper()
	want := succeeds(t, realTool(t, argv...))
	if argv[0] == "busybox" {
		argv = argv[1:]
	}
	for _, v := range vs {
		if v.emu != nil {
			continue // slow, and TestAsTool has them
		}
		r := execute(t, v.as(argv[0], argv[1:]...))
		if got := r.code == healthy; got != want {
			t.Errorf("%s: %q: healthy %v, the tool says %v; stderr %q", v.name, argv, got, want, r.stderr)
		}
		if (r.stderr == "") != (r.code == healthy) {
			t.Errorf("%s: %q: exit code %d, stderr %q", v.name, argv, r.code, r.stderr)
		}
	}
}

const (
	allPaths = "200 204 300 301 304 400 401 404 405 418 500 503 302/200 302/404 307/302/200 H405/200 H200/500 H500/200 H501/200 H500/500 loop away up"
	fewPaths = "200 404 500 302/200 302/404"
)

// toolLines are command lines for URLs of the site, separated by |, and the paths with
// which they are run.
var toolLines = []struct{ tool, paths, args string }{
	{"curl", allPaths + " 304/200 cut cut/x 302/cut", "-f URL|-I URL|-fsSL -o /dev/null URL|-sL URL|-s URL"},
	{"curl", fewPaths, "--fail --silent --show-error --max-time 2 URL|-sf -H Host:x URL|-k -f URL|-fI URL|" +
		"-fsSo/dev/null -m2 URL|--fail-with-body -m 2.5 URL|-fX POST URL|-f -I -X GET URL|-fL --max-redirs 1 URL|" +
		"-f --retry 0 --retry-connrefused --connect-timeout 1 URL|-f -4 URL|-f -A probe --url URL|-vf -- URL|-f --max-time 0 URL|" +
		"-fgi URL|-f --compressed --no-progress-meter --noproxy * URL"},
	{"wget", allPaths, "-q --spider URL|-qO- URL|--no-verbose --tries=1 --spider URL"},
	{"wget", fewPaths + " cut", "-T 2 -t 1 -O /dev/null URL|-t1 --no-check-certificate -qO- URL|" +
		"-nv -t1 -O- URL|-q -t 1 --spider URL|-qS -t1 -O- --header Host:x -U probe URL|-q -t1 --method=POST -O - URL|" +
		"-qt1 -O- --max-redirect=0 URL|-qt1 -O- --max-redirect 1 URL|-q -t1 --spider -Y off --no-proxy --proxy=off URL|-qt1 -4 -T0.9 --output-document=/dev/null URL|" +
		"-qt1 -O- -o /dev/null --read-timeout=2 --waitretry=0 URL URL|-t1 -qnv -O- http://localhost:PORT/200 URL"},
	// Debian's has neither -T nor -t, takes no 204, and asks with GET even to spider.
	{"busybox wget", fewPaths, "-q --spider URL|-qO- URL|-q -O /dev/null --no-check-certificate --header X:y -U probe URL|-Y off -qS -O- URL"},
}

// TestLikeTools shows that the probe and the tools agree on every command line about
// every server.
func TestLikeTools(t *testing.T) {
	l := listen(t, "tcp4")
	serveSite(t, l, site)
	for _, tool := range toolLines {
		for _, line := range strings.Split(tool.args, "|") {
			t.Run(tool.tool+" "+line, func(t *testing.T) {
				t.Parallel()
				for _, path := range strings.Split(tool.paths, " ") {
					withURL := strings.NewReplacer("URL", "http://localhost:"+port(l)+"/"+path, "PORT", port(l))
					sideBySide(t, strings.Fields(tool.tool+" "+withURL.Replace(line))...)
				}
			})
		}
	}
}

// TestLikeToolsConnecting is TestLikeTools for what happens before an answer, or
// instead of one.
func TestLikeToolsConnecting(t *testing.T) {
	v4, v6, mute := listen(t, "tcp4"), listen(t, "tcp6"), listen(t, "tcp4")
	serveSite(t, v4, site)
	serveSite(t, v6, site)
	serve(t, mute, hold(""))
	dribble, garbage := listen(t, "tcp4"), listen(t, "tcp4")
	serve(t, dribble, hold("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbo"))
	serve(t, garbage, answer("SSH-2.0-OpenSSH_9.6\r\n"))
	ports := strings.NewReplacer("V4", port(v4), "V6", port(v6), "MUTE", port(mute), "CLOSED", closedPort(t),
		"DRIBBLE", port(dribble), "GARBAGE", port(garbage))
	for _, line := range []string{
		"curl -f http://localhost:CLOSED/", "curl -s http://127.0.0.1:CLOSED/", "curl -f http://localhost:V6/200", "curl -f http://[::1]:V6/200",
		"curl -f http://0.0.0.0:V4/200", "curl -f http://0.0.0.0:CLOSED/200", "curl -f http://[::]:V6/200", "wget -qO- http://0.0.0.0:V4/200", "wget -qO- http://[::]:V6/200",
		"curl -f4 http://localhost:V6/200", "curl -f6 http://localhost:V6/200", "curl -f6 http://localhost:V4/200", "curl -f4 http://[::1]:V6/200",
		"curl -f6 http://127.0.0.1:V4/200", "curl -f localhost:V4/200", "curl -f 127.0.0.1:V4/200", "curl -f HTTP://LOCALHOST:V4/200#x",
		"curl -f http://localhost:V4/../x/../200?y=../z", "curl -f http://localhost:V4/404/..", "curl -f http://:V4/200", "curl -f http://localhost:0/",
		"curl -f http://localhost:65536/", "curl -f http://localhost:V4/200?{", "curl -gf http://localhost:V4/200?{",
		"curl -f -m 0.5 http://localhost:MUTE/", "curl -I --max-time .5 localhost:MUTE", "curl -s -m 0.5 http://localhost:DRIBBLE/",
		"curl -Is -m 0.5 http://localhost:DRIBBLE/", "curl -s -m 1m localhost:V4/200", "curl -s -m -1 localhost:V4/200",
		"curl -s -m", "curl -s", "curl --retry x localhost:V4/200", "curl --connect-timeout x localhost:V4/200", "curl --max-time=2 localhost:V4/200",
		"curl -s -X HEAD -m 0.5 localhost:V4/200", "curl --no-such-option localhost:V4/200", "curl -f GARBAGE", "curl -f localhost:GARBAGE",
		"curl -fL localhost:V4/302/V4", "curl -k", "curl -fsH X:y -XGET localhost:V4/200",

		"wget -q --spider http://localhost:CLOSED/", "wget -qO- http://127.0.0.1:CLOSED/",
		"wget -q --spider http://[::1]:V6/200", "wget -q -4 --spider http://localhost:V6/200", "wget -q -6 --spider http://[::1]:V6/200",
		"wget -q -4 --spider http://[::1]:V6/200", "wget -q -4 -6 --spider http://localhost:V4/200", "wget -qO- localhost:V4/200", "wget -qO- HTTP://LOCALHOST:V4/200#x", "wget -qO- http://:V4/200",
		"wget -qO- http://localhost:V4/200 http://localhost:V4/404", "wget -qO- http://localhost:V4/404 http://localhost:V4/200",
		"wget -q -T 0.5 -t 1 --spider http://localhost:MUTE/", "wget -qO- --timeout=0.5 --tries=1 http://localhost:DRIBBLE/",
		"wget -q -T 0.5 -t 1 --spider http://localhost:DRIBBLE/", "wget -q -T x localhost:V4/200",
		"wget -q --header=X localhost:V4/200", "wget -qO-", "wget -q --no-such-option localhost:V4/200",
		"wget -q --spider -t inf localhost:V4/200", "wget -q --spider -t 0 localhost:V4/200", "wget -q --spider -T 0 localhost:V4/200",

		"busybox wget -qO- http://127.0.0.1:CLOSED/", "busybox wget -q --spider 127.0.0.1:V4/200",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			sideBySide(t, strings.Fields(ports.Replace(line))...)
		})
	}
}

func TestLikeToolsOverTLS(t *testing.T) {
	l := listen(t, "tcp4")
	ca := authority(t, "tests")
	cert := ca.sign(t, localhost)
	server := &http.Server{Handler: site, ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.tls()}}}
	go server.ServeTLS(l, "", "")
	t.Cleanup(func() { server.Close() })
	caFile, _ := ca.files(t)
	for _, line := range []string{
		"curl -k https://localhost:PORT/404", "curl -kf https://localhost:PORT/200", "curl -kf https://localhost:PORT/404", "curl -fsS https://localhost:PORT/200",
		"curl -f --cacert CA https://localhost:PORT/200", "curl -f --cacert CA https://127.0.0.1:PORT/200", "curl -f4 --cacert CA https://localhost:PORT/200",
		"curl -f --cacert /no/such/file https://localhost:PORT/200", "curl -fkL https://localhost:PORT/302/200", "curl -fk http://localhost:PORT/200",
		"wget -q --no-check-certificate --spider https://localhost:PORT/200", "wget -qO- --no-check-certificate https://localhost:PORT/404",
		"wget -q --spider https://localhost:PORT/200", "wget -qO- --ca-certificate=CA https://localhost:PORT/200",
	} {
		compare(t, tlsVariants, strings.Fields(strings.NewReplacer("PORT", port(l), "CA", caFile).Replace(line)))
	}
}

func TestLikeCurlThroughSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveSite(t, l, site)
	for _, line := range []string{
		"-f --unix-socket SOCKET http://localhost/200", "-f --unix-socket SOCKET http://localhost/404", "--unix-socket SOCKET http://any:1/404",
		"-fL --unix-socket SOCKET http://any/302/200", "-fL --unix-socket SOCKET http://any/302/404", "-fL --unix-socket SOCKET any/away",
		"-fL --unix-socket SOCKET any/out", "-f --unix-socket /no/such/socket http://localhost/200", "-f --unix-socket SOCKET http:///",
	} {
		sideBySide(t, append([]string{"curl"}, strings.Fields(strings.ReplaceAll(line, "SOCKET", socket))...)...)
	}
}

// TestToolRequest shows that a server gets from the probe what it gets from the tool,
// as far as the command line says it.
func TestToolRequest(t *testing.T) {
	requests := make(chan string, 10)
	l := listen(t, "tcp4")
	serveSite(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := r.Method + " " + r.RequestURI + " Host " + r.Host + " X " + r.Header.Get("X-Probe")
		if agent := r.UserAgent(); strings.HasPrefix(agent, "my") {
			got += " agent " + agent
		}
		if login := r.Header.Get("Authorization"); login != "" {
			got += " login " + login
		}
		requests <- got
		site(w, r)
	}))
	for _, line := range []string{
		"curl -f http://localhost:PORT", "curl -f localhost:PORT/200?x=/../y#z", "curl -fI localhost:PORT/200", "curl -X PUT localhost:PORT/200",
		"curl -f -H X-Probe:1 -H Host:example.org -A my/1 localhost:PORT/200", "curl -f -A other -A my/2 127.0.0.1:PORT/200", "curl -f4 localhost:PORT/a/./../200",
		"curl -A my/1 -H User-Agent:my/2 localhost:PORT/200",
		"curl -L localhost:PORT/302/200", "curl -L localhost:PORT/a/up/..", "curl -L localhost:PORT/up", "curl -IL localhost:PORT/302/200",
		"curl -u me:pass:word localhost:PORT/200", "curl -u me: -H Authorization:x localhost:PORT/200", "curl --user me:pw -H X-Probe:2 --http2 --tlsv1.2 localhost:PORT/200",
		"wget -qO- --auth-no-challenge --user=me --password=pw localhost:PORT/200",
		"wget -qO- http://localhost:PORT", "wget -q --spider localhost:PORT/200?x=/y#z", "wget -qO- --method=PUT localhost:PORT/200",
		"wget -qO- --header=X-Probe:1 --header Host:example.org -U my/1 localhost:PORT/200", "wget -q --spider localhost:PORT/302/200",
		"wget -q --spider localhost:PORT/H500/200", "wget -qO- localhost:PORT/up",
	} {
		argv := strings.Fields(strings.ReplaceAll(line, "PORT", port(l)))
		succeeds(t, realTool(t, argv...))
		want := drainRequests(requests)
		for _, v := range variants {
			execute(t, v.as(argv[0], argv[1:]...))
			if got := drainRequests(requests); got != want {
				t.Errorf("%s: %s: the server got\n%swant\n%s", v.name, line, got, want)
			}
		}
	}
}

// TestRedirectedSecret shows that what proves to one server who asks is not shown to
// another, to which it redirects, but to itself.
func TestRedirectedSecret(t *testing.T) {
	l, other := listen(t, "tcp4"), listen(t, "tcp4")
	headers := make(chan http.Header, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { headers <- r.Header })
	serveSite(t, other, handler)
	mux := http.NewServeMux()
	mux.Handle("/end", handler)
	mux.Handle("/same", http.RedirectHandler("http://127.0.0.1:"+port(l)+"/end", http.StatusFound))
	mux.Handle("/other", http.RedirectHandler("http://127.0.0.1:"+port(other)+"/", http.StatusFound))
	serveSite(t, l, mux)
	for path, want := range map[string]string{"same": "s3cret c=d x", "other": "  x"} {
		argv := []string{"curl", "-sL", "-H", "Authorization: s3cret", "-H", "cookie: c=d", "-H", "X-Probe: x", "http://127.0.0.1:" + port(l) + "/" + path}
		commands := []*exec.Cmd{realTool(t, argv...)}
		for _, v := range variants {
			commands = append(commands, v.as("curl", argv[1:]...))
		}
		for _, cmd := range commands {
			succeeds(t, cmd)
			h := <-headers
			if got := h.Get("Authorization") + " " + h.Get("Cookie") + " " + h.Get("X-Probe"); got != want {
				t.Errorf("%s: %s: the server got %q, want %q", cmd.Path, path, got, want)
			}
		}
	}
}

// TestToolHints shows that what is said of a certificate names the tool's own options.
func TestToolHints(t *testing.T) {
	l := listen(t, "tcp4")
	self := (*signer)(nil).sign(t, localhost)
	serveTLS(t, l, &tls.Config{Certificates: []tls.Certificate{self.tls()}})
	url := "https://localhost:" + port(l) + "/"
	ca, _ := authority(t, "tests").files(t)
	for line, want := range map[string]string{
		"curl -f --cacert " + ca + " " + url:           "the certificate is self-signed: give it with --cacert, or do not verify it with --insecure",
		"wget -qO- --ca-certificate=" + ca + " " + url: "the certificate is self-signed: give it with --ca-certificate, or do not verify it with --no-check-certificate",
		"curl -f --cacert /no/such/file " + url:        `reading --cacert "/no/such/file": no such file or directory`,
		"wget -qO- --ca-certificate=/no/such " + url:   `reading --ca-certificate "/no/such": no such file or directory`,
	} {
		argv := strings.Fields(line)
		for _, v := range tlsVariants {
			execute(t, v.as(argv[0], argv[1:]...)).check(t, "GET https://.*: "+want)
		}
	}
}

func drainRequests(requests chan string) (all string) {
	for len(requests) > 0 {
		all += <-requests + "\n"
	}
	return all
}

// TestAsTool shows what the probe says when it is called by another name.
func TestAsTool(t *testing.T) {
	l := listen(t, "tcp4")
	serveSite(t, l, site)
	v6, slow := listen(t, "tcp6"), listen(t, "tcp4")
	serveSite(t, v6, site)
	serve(t, slow, func(c net.Conn) {
		readRequest(c)
		time.Sleep(pace)
		io.WriteString(c, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:"+port(slow)+"/\r\n\r\n")
	})
	head := `HEAD http://127\.0\.0\.1:PORT/`
	get := `GET http://127\.0\.0\.1:PORT/`
	for _, tt := range []struct{ line, want string }{
		{"/usr/bin/curl -f http://localhost:PORT/404", get + `404: 404 "Not Found": "body"`},
		{`C:\bin\curl.exe -f http://localhost:PORT/200`, ""},
		{"curl -f http://localhost:PORT/out", ""},
		{"wget -qO- http://localhost:V6/200", ""}, // wherever a name of both families leads wget itself
		{"curl -fL http://localhost:PORT/out", get + `out: 302 "Found" to "http://192\.0\.2\.1/": host "192\.0\.2\.1" is not this container: write localhost`},
		{"curl -sL http://localhost:PORT/loop", get + `loop: 302 "Found" to "/loop": redirected more than 50 times`},
		{"curl -fL http://localhost:PORT/302/503", get + `503: 503 "Service Unavailable": "body"`},
		{"curl -f http://localhost:PORT/cut", get + `cut: 200 "OK": waiting for the end of the body: the connection was closed`},
		{"curl -sL -m 0.3 http://localhost:SLOW/", `GET http://127\.0\.0\.1:SLOW/: .*timed out`},
		{"wget -q --spider http://localhost:PORT/H405/200", head + `H405/200: 405 "Method Not Allowed"`},
		{"wget -q --spider http://localhost:PORT/H500/404", get + `H500/404: 404 "Not Found": "body"`},
		{"wget -qO- http://localhost:PORT/302", get + `302: 302 "Found": the redirect does not say where to`},
		{"wget -qO- --max-redirect=0 http://localhost:PORT/302/200", get + `302/200: 302 "Found" to "/200": "body"`},
	} {
		withPort := strings.NewReplacer("PORT", port(l), "SLOW", port(slow), "V6", port(v6))
		argv := strings.Fields(withPort.Replace(tt.line))
		for _, v := range variants {
			cmd := v.as(argv[0], argv[1:]...)
			if tt.want == "" {
				execute(t, cmd).check(t)
			} else {
				execute(t, cmd).check(t, withPort.Replace(tt.want))
			}
		}
	}
}

func TestHelp(t *testing.T) {
	for _, v := range variants {
		cmd := v.as("healthcheck", "-help")
		if r := execute(t, cmd); r.code != unhealthy || r.stderr != usage {
			t.Errorf("%s: exit code %d, stderr %q", v.name, r.code, r.stderr)
		}
		for _, tool := range []string{"curl", "wget"} {
			if r := execute(t, v.as(tool, "-h")); r.code != unhealthy || !strings.HasPrefix(r.stderr, "unhealthy: "+tool+`: option "-h" is not supported`) {
				t.Errorf("%s: exit code %d, stderr %q", tool, r.code, r.stderr)
			}
		}
	}
	_, err := probeargs.Parse([]string{"-x"}, variable)
	_, names, _ := strings.Cut(err.Error(), "there are ")
	flags := regexp.MustCompile(`(?m)^  (-\w+)`).FindAllStringSubmatch(usage, -1)
	for _, f := range flags {
		if !slices.Contains(strings.Fields(names), f[1]) {
			t.Errorf("there is no flag %s", f[1])
		}
	}
	if len(flags) != len(strings.Fields(names)) {
		t.Errorf("%d flags are described, of %s", len(flags), names)
	}
}

// TestToolUsage shows that an option which the probe does not know is unhealthy.
// Package probeargs tests the rest of them.
func TestToolUsage(t *testing.T) {
	for _, v := range variants {
		for _, tool := range []string{"curl", "wget"} {
			r := execute(t, v.as(tool, "-z", "http://localhost:1/"))
			if want := "unhealthy: " + tool + ": option \"-z\" is not supported: "; r.code != unhealthy || !strings.HasPrefix(r.stderr, want) {
				t.Errorf("%s: exit code %d, stderr %q, want %q", v.name, r.code, r.stderr, want)
			}
		}
	}
}

func TestToolsLog(t *testing.T) {
	for value, want := range map[string]bool{"": true, "true": true, "false": false, "0": false} {
		t.Setenv("HEALTHCHECK_LOG", value)
		if got := toolsLog("/no/such/file"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	t.Setenv("HEALTHCHECK_LOG", "")
	file := filepath.Join(t.TempDir(), "args")
	for args, want := range map[string]bool{"-log=false\n": false, "-log=false\nhttp://:1/\n": false, "http://:1/\n": true} {
		if err := os.WriteFile(file, []byte(args), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := toolsLog(file); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}
