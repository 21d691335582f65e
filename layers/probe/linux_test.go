//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestAbstractSocket(t *testing.T) {
	for _, v := range variants {
		name := fmt.Sprintf("@kohealth-test-%d-%s", os.Getpid(), v.name)
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, answer(ok200))
		v.run(t, nil, "unix://"+name, "http+unix://"+name+":/healthz", "http+unix://"+name).check(t)
		l.Close()
		v.run(t, nil, "unix://"+name).check(t, "unix://"+name+": connecting to "+name+": connection refused")
	}
}

// fullListener listens at an address but has no place for another connection: the
// kernel lets a client that comes now wait.
func fullListener(t *testing.T, family int, sa syscall.Sockaddr) syscall.Sockaddr {
	t.Helper()
	listener, client := socket(t, family), socket(t, family)
	if err := syscall.Bind(listener, sa); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil { // a queue of one
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(client, sa); err != nil {
		t.Fatal(err)
	}
	return sa
}

func init() {
	shorten = func(l net.Listener) error {
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			return err
		}
		var failed error
		err = raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), 1) }) // a second call changes the backlog
		return errors.Join(err, failed)
	}
}

func socket(t *testing.T, family int) int {
	t.Helper()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func TestFullBacklog(t *testing.T) {
	sa := fullListener(t, syscall.AF_INET, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	port := fmt.Sprint(sa.(*syscall.SockaddrInet4).Port)
	for _, v := range variants {
		tests := []struct{ target, want string }{
			{"tcp://127.0.0.1:" + port, `tcp://127\.0\.0\.1:` + port + ": connecting to 127.0.0.1:" + port + ": timed out"},
			{"http://:" + port, "GET http://:" + port + "/: connecting to 127.0.0.1:" + port + `: timed out; connecting to \[::1\]:` + port + ": connection refused"},
		}
		for _, tt := range tests {
			v.run(t, nil, "-timeout=500ms", tt.target).check(t, tt.want)
		}
	}
}

// TestFullBacklogOfOneFamily shows that a listener which hangs on IPv4 leaves time
// for the one on IPv6.
func TestFullBacklogOfOneFamily(t *testing.T) {
	sa := fullListener(t, syscall.AF_INET, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	port := fmt.Sprint(sa.(*syscall.SockaddrInet4).Port)
	l, err := net.Listen("tcp6", "[::1]:"+port)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, answer(ok200))
	for _, v := range variants {
		v.run(t, nil, "-timeout=2s", "http://:"+port).check(t)
	}
}

func TestFullBacklogOfUnixSocket(t *testing.T) {
	name := fmt.Sprintf("@kohealth-test-full-%d", os.Getpid())
	listener := socket(t, syscall.AF_UNIX)
	sa := &syscall.SockaddrUnix{Name: name}
	if err := syscall.Bind(listener, sa); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(socket(t, syscall.AF_UNIX), sa); err != nil {
		t.Fatal(err)
	}
	for _, v := range variants {
		r := v.run(t, nil, "-timeout=500ms", "unix://"+name)
		r.check(t, "unix://"+name+": connecting to "+name+": timed out") // package net: at once
	}
}

// TestNoStdio runs the probe without open files, in the way of a shell.
func TestNoStdio(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	for _, v := range variants {
		for target, want := range map[string]int{"tcp://:" + port(l): healthy, "tcp://:" + closedPort(t): unhealthy} {
			argv := slices.Concat([]string{"-c", `exec "$@" <&- >&- 2>&-`, "sh"}, v.command(nil, target).Args)
			cmd := exec.Command("sh", argv...)
			if r := execute(t, cmd); r.code != want {
				t.Errorf("%s %s: exit code %d, want %d", v.name, target, r.code, want)
			}
		}
	}
}

// TestLimits runs the probe where it gets little of what it needs. Below what Go's
// runtime needs to start there is no saying with which code it fails; it must not be
// the one for healthy, unless the answer needs no runtime.
func TestLimits(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	for _, v := range variants {
		argv := v.command(nil, "http://:"+port(l)+"/").Args
		for limit, want := range map[string][]int{
			"ulimit -n 3":    {unhealthy},                   // no descriptor is left for a socket
			"ulimit -f 0":    {healthy},                     // nothing is written
			"ulimit -v 2400": {unhealthy, 2, 127, 139, 255}, // the file itself takes 2000, and its stack 130
		} {
			if v.name == "net" {
				want = append(want, 2) // the runtime's own poller needs descriptors
			}
			if v.link != "" && limit == "ulimit -v 2400" {
				want = []int{healthy} // without the runtime
			}
			if v.emu != nil && limit != "ulimit -f 0" {
				continue // the emulator gets no further
			}
			cmd := exec.Command("sh", slices.Concat([]string{"-c", limit + `; "$@"`, "sh"}, argv)...)
			cmd.Stderr = io.Discard
			if r := execute(t, cmd); !slices.Contains(want, r.code) {
				t.Errorf("%s %s: exit code %d, want one of %d", v.name, limit, r.code, want)
			}
		}
	}
}

// TestMalformedMemoryLimit shows a setting of Go's that ends the probe with neither 0 nor
// 1, unless the answer needs no runtime.
func TestMalformedMemoryLimit(t *testing.T) {
	l := listen(t, "tcp4")
	for _, v := range variants {
		want := 2
		if v.link != "" {
			want = healthy
		}
		if r := v.run(t, []string{"GOMEMLIMIT=much"}, "tcp://:"+port(l)); r.code != want {
			t.Errorf("%s: exit code %d, want %d", v.name, r.code, want)
		}
	}
}

// TestUnreadStderr shows that nobody who has stopped to read holds the probe up,
// and that it does not die of a reader who has gone.
func TestUnreadStderr(t *testing.T) {
	for _, v := range variants {
		for _, gone := range []bool{false, true} {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			if gone {
				r.Close()
			} else {
				fill(t, w)
			}
			for _, command := range []func() *exec.Cmd{
				func() *exec.Cmd { return v.command(nil, "-timeout=500ms", "tcp://:"+closedPort(t)) },
				func() *exec.Cmd { return v.as("healthcheck", "-h") },
			} {
				cmd := command()
				cmd.Stderr = w
				if res := execute(t, cmd); res.code != unhealthy {
					t.Errorf("%s, reader gone %v: exit code %d", v.name, gone, res.code)
				}
			}
		}
	}
}

// TestJSONBesideFullStderr shows that a reader of stderr who has stopped to read keeps
// nothing from the one of stdout.
func TestJSONBesideFullStderr(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fill(t, w)
	for _, v := range variants {
		var stdout bytes.Buffer
		cmd := v.command(nil, "-json", "tcp://:"+closedPort(t))
		cmd.Stdout, cmd.Stderr = &stdout, w
		if r := execute(t, cmd); r.code != unhealthy {
			t.Errorf("%s: exit code %d", v.name, r.code)
		}
		if got := parseJSON(t, stdout.String()); len(got.Targets) != 1 {
			t.Errorf("%s: %+v", v.name, got)
		}
	}
}

// fill fills a pipe. Its writing end blocks afterwards, as a process gets it.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); err == nil; {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

// TestUnwrittenFile shows that a file into which nobody writes does not hold the probe
// up.
func TestUnwrittenFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range tlsVariants {
		v.run(t, nil, "-cacert="+fifo, "https://:1/").check(t, `GET https://:1/: -cacert ".*" holds no certificate in PEM form`)
	}
}

// TestManyTargets runs as many checks side by side as there may be, all of which
// take the whole time.
func TestManyTargets(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, hold(""))
	url := "http://:" + port(l)
	args := append([]string{"-timeout=500ms"}, strings.Split(strings.Repeat(url+" ", 15)+url, " ")...)
	want := strings.Split(strings.Repeat("GET http://127.0.0.1:"+port(l)+"/: waiting for the status line: timed out\n", 16), "\n")
	for _, v := range variants {
		v.run(t, nil, args...).check(t, want[:16]...)
	}
}
