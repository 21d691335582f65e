//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// earlyVariants are those that begin early and run on this machine by themselves.
func earlyVariants() []*variant {
	return slices.DeleteFunc(allVariants(), func(v *variant) bool { return v.link == "" || v.emu != nil })
}

// isEarly reports whether a command is answered early: it is run with so little memory that
// Go's runtime cannot start.
func isEarly(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	argv := slices.Concat([]string{"-c", `ulimit -v 64000; exec "$@"`, "sh"}, cmd.Args)
	limited := exec.Command("sh", argv...)
	limited.Env = cmd.Env
	limited.Stderr = io.Discard
	return execute(t, limited).code == healthy
}

// TestEarlyAnswers shows what is answered early, and what is not: all else that is to be
// said of it the tests of all variants say.
func TestEarlyAnswers(t *testing.T) {
	up4, up6, both, down := listen(t, "tcp4"), listen(t, "tcp6"), listen(t, "tcp"), listen(t, "tcp")
	for _, l := range []net.Listener{up4, up6, both} {
		serve(t, l, answer(ok200))
	}
	serve(t, down, answer("HTTP/1.1 503 No\r\n\r\n"))
	busy, slow, long := listen(t, "tcp4"), listen(t, "tcp4"), listen(t, "tcp4")
	serve(t, busy, answer("HTTP/1.1 100 Continue\r\n\r\n"+ok200))
	serve(t, slow, drip("HTTP/1.1 2", "00 OK\r\n\r\n"))
	serve(t, long, answer("HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 100_000)))
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file, sock := filepath.Join(dir, "alive"), filepath.Join(dir, "s")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	abstract := fmt.Sprintf("@kohealth-test-early-%d", os.Getpid())
	for _, name := range []string{sock, abstract} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, answer(ok200))
	}
	for _, v := range earlyVariants() {
		ports, _, _ := startApp(t, filepath.Join(filepath.Dir(v.path), "ko-app"), "tcp", "tcp4@127.0.0.1:0", "tcp6@[::1]:0")
		with := strings.NewReplacer("UP4", port(up4), "UP6", port(up6), "BOTH", port(both), "DOWN", port(down), "BUSY", port(busy), "SLOW", port(slow),
			"LONG", port(long), "MINE", ports[1], "FILE", file, "SOCK", sock, "ABSTRACT", abstract)
		for args, want := range map[string]bool{
			"http://:UP4/healthz": true, "http://:UP6": true, "http://localhost:BOTH/?x": true, "http://127.0.0.1:UP4/": true, "http://[::1]:UP6/": true,
			"http://:LONG/": true, "http://:$APP_PORT/": true, "http://:${APP_PORT}/$$": true, "http://:${NONE:-UP4}/": true,
			"tcp://:UP4": true, "tcp://:UP6": true, "tcp://127.0.0.1:DOWN": true, "unix://SOCK": true, "unix://ABSTRACT": true,
			"http+unix://SOCK:/x": true, "http+unix://ABSTRACT:": true, "file://FILE": true, "file://FILE?max_age=1h": true,
			"auto": true, "auto:MINE": true, "-status=418 auto:MINE -path=/": true, "auto:1": false, "auto:MINE,1": false, "-path=/x -status=418 auto": true,
			"-timeout=2.7s http://:UP4/": true, "--timeout 1m29.5s http://:UP4/": true, "-status=200-204,503 http://:DOWN/": true, "-- http://:UP4/": true,
			"http://:UP4/ http://:UP6/ tcp://:DOWN file://FILE unix://SOCK auto": true,

			"http://:DOWN/": false, "http://:BUSY/": false, "http://:SLOW/": false, "-status=204 http://:UP4/": false, "http://:UP4/ http://:DOWN/": false,
			"tcp://127.0.0.1:UP6": false, "file:///no/such": false, "file://FILE?max_age=1ns": false, "unix:///no/such": false, "http://:$NONE/": false,
			"-v http://:UP4/": false, "-json http://:UP4/": false, "-body=ready http://:UP4/": false, "-header=A:b http://:UP4/": false, "-http2 http://:UP4/": false,
			"-method=HEAD http://:UP4/": false, "-timeout=0s http://:UP4/": false, "-timeout=1s -timeout=1s http://:UP4/": false, "-status=200 tcp://:UP4": false,
			"-path=/x http://:UP4/": false, "-h": false, "": false, "http://:UP4/#x": false, "http://example.org:UP4/": false, "grpc://:UP4": false, "-path=/x auto": false,
		} {
			env := []string{"APP_PORT=" + port(up4)}
			got := isEarly(t, v.command(env, strings.Fields(with.Replace(args))...))
			if strings.Contains(args, "file://") && !hasLocalMountsOnly(t) {
				want = false // a file system may be hung, which the full probe outlives
			}
			if got != want {
				t.Errorf("%s: %q is answered early: %v, want %v", v.name, args, got, want)
			}
		}
		for _, tool := range []string{"curl", "wget"} {
			if isEarly(t, v.as(tool, "http://127.0.0.1:"+port(up4)+"/")) {
				t.Errorf("%s: %s is answered early", v.name, tool)
			}
		}
	}
}

// hasLocalMountsOnly reports whether this machine has mounted nothing else, as it may do for
// the time of other tests.
func hasLocalMountsOnly(t *testing.T) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		_, rest, _ := strings.Cut(line, " - ")
		kind, _, _ := strings.Cut(rest, " ")
		if !strings.Contains(localTypes, " "+kind+" ") {
			return false
		}
	}
	return len(mounts) < 16<<10
}

// TestEarlyArgsFile has a probe without a target read the file of arguments early.
func TestEarlyArgsFile(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	for _, v := range earlyVariants() {
		file := filepath.Join(filepath.Dir(v.path), "args")
		if err := os.WriteFile(file, []byte("-status=404\n-timeout=2.7s\nhttp://:"+port(l)+"/healthz\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if isEarly(t, v.command(nil)) || !isEarly(t, v.command(nil, "-status", "200")) {
			t.Errorf("%s: the flag of the command line does not win", v.name)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAskedOnce shows that the full probe goes on where the early part has stopped: a
// server is asked once, whatever comes of it.
func TestAskedOnce(t *testing.T) {
	for _, v := range earlyVariants() {
		for name, tt := range map[string]struct {
			serve func(net.Conn)
			want  []string
		}{
			"up":          {answer(ok200), nil},
			"interim":     {answer("HTTP/1.1 100 Continue\r\n\r\n" + ok200), nil},
			"late":        {func(c net.Conn) { readRequest(c); time.Sleep(50 * time.Millisecond); io.WriteString(c, ok200) }, nil},
			"in pieces":   {drip("", "HTTP/1.1 200 OK\r\n"), nil},
			"down":        {answer("HTTP/1.1 503 No\r\n\r\ndb"), []string{getURL + `503 "No": "db"`}},
			"down, later": {drip("HTTP/1.1 503 No\r\n\r\n", "db"), []string{getURL + `503 "No": "db"`}},
			"silent":      {hold(""), []string{getURL + "waiting for the status line: timed out"}},
			"closed":      {answer(""), []string{getURL + "waiting for the status line: the connection was closed"}},
		} {
			var asked atomic.Int32
			l := listen(t, "tcp4")
			serve(t, l, func(c net.Conn) {
				asked.Add(1)
				tt.serve(c)
			})
			var want []string
			for _, w := range tt.want {
				want = append(want, strings.ReplaceAll(w, "PORT", port(l)))
			}
			v.run(t, nil, "-timeout=1s", "http://:"+port(l)+"/healthz").check(t, want...)
			if n := asked.Load(); n != 1 {
				t.Errorf("%s, %s: %d connections", v.name, name, n)
			}
		}
	}
}

// TestEarlyStack runs the early part with a stack that has room for little more than what
// the kernel puts there.
func TestEarlyStack(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	for _, v := range earlyVariants() {
		argv := append([]string{"-c", `ulimit -s 32; ulimit -v 64000; exec "$@"`, "sh"}, v.command(nil, "http://:"+port(l)).Args...)
		cmd := exec.Command("sh", argv...)
		cmd.Env = []string{"X="}
		if r := execute(t, cmd); r.code != healthy {
			t.Errorf("%s: exit code %d, %q", v.name, r.code, r.stderr)
		}
	}
}
