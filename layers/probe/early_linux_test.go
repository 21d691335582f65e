//go:build linux && !net && (amd64 || arm64)

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// zeroEarly is what the kernel makes of early.
var zeroEarly = early

// setStack does what enterEarly and the kernel do for a process with these arguments,
// its name among them, and this environment.
func setStack(args, env []string) {
	early = zeroEarly
	stack := []*byte{nil}
	for _, list := range [][]string{args, env} {
		for _, s := range list {
			stack = append(stack, &append([]byte(s), 0)[0])
		}
		stack = append(stack, nil)
	}
	earlyStack = unsafe.Pointer(&stack[0])
}

// understood is what the early part has understood of a command line: its targets and
// requests, in the words of the full probe.
type understood struct {
	targets  []probeargs.Target
	requests []string
}

// understandEarly reads the targets of a command line that isUnderstood has read.
func understandEarly() (u understood) {
	ended := false
	for i := 0; argument(i) != nil; i++ {
		p := argument(i)
		switch {
		case ended || charAt(p, 0) != '-':
			load(p)
			readAim()
			u.add(&early.aim)
		case startsC(p, "--\x00"):
			ended = true
		default:
			i += readFlag(p, i, true)
		}
	}
	return u
}

func (u *understood) add(a *aim) {
	text := string(early.text.b[:early.text.n])
	t := probeargs.Target{Port: uint16(a.port), MaxAge: probeargs.Duration(a.maxAge)}
	t.Scheme, _, _ = strings.Cut(text, "://")
	switch {
	case a.kind == aimAuto:
		t.Scheme = "auto"
		t.Path = strings.TrimPrefix(text[a.from:], ":")
	case a.kind == aimFile:
		t.Path = text[a.from:a.to]
	case a.family == syscall.AF_UNIX:
		t.Socket = text[a.from:a.to]
	case a.family == syscall.AF_INET:
		t.Host = mapped([4]byte(a.ip[12:])).text()
	case a.family == syscall.AF_INET6:
		t.Host = ipAddr(a.ip).text()
	}
	request := ""
	if a.kind == aimHTTP {
		setRequest(a)
		request = string(early.request.b[:early.request.n])
		t.Path = strings.Fields(request)[1]
	}
	u.targets, u.requests = append(u.targets, t), append(u.requests, request)
}

// checkUnderstood holds what the early part understands of a command line, if anything,
// against what the full probe does.
func checkUnderstood(t *testing.T, args, env []string, file string) (did bool) {
	t.Helper()
	setStack(append([]string{"healthcheck"}, args...), env)
	argsFile = file
	if isTool() || !isUnderstood() {
		return false
	}
	u, timeout := understandEarly(), early.timeout
	cmd, err := probeargs.ParseOver(args, func() ([]string, error) { return readLines(file) }, func(name, def string) (string, error) {
		return valueOf(env, name, def)
	})
	if err != nil {
		t.Fatalf("%q is understood, and wrong: %v", args, err)
	}
	if full := newCheck(cmd); probeargs.Duration(timeout) != full.deadline-full.start {
		t.Errorf("%q: timeout %v, want %v", args, timeout, full.deadline-full.start)
	}
	if cmd.JSON || cmd.Verbose || cmd.Method != "" || cmd.Header != nil || cmd.Body != "" || cmd.HTTP2 {
		t.Errorf("%q: %+v", args, cmd)
	}
	for status := 100; status < 1000; status++ {
		if healthy, _ := judgeStatus(status); healthy && !cmd.Healthy(status) {
			t.Errorf("%q: status %d is healthy", args, status)
		}
	}
	if path := string(early.path.b[:early.path.n]); path != cmd.Path {
		t.Errorf("%q: path %q, want %q", args, path, cmd.Path)
	}
	for i := range cmd.Targets {
		cmd.Targets[i].Shown = ""
	}
	if !slices.Equal(u.targets, cmd.Targets) {
		t.Fatalf("%q: targets %+v, want %+v", args, u.targets, cmd.Targets)
	}
	for i, target := range cmd.Targets {
		want := string(check{cmd: cmd}.request(target))
		if u.requests[i] != "" && u.requests[i] != want {
			t.Errorf("%q: request\n%s, want\n%s", args, u.requests[i], want)
		}
	}
	return true
}

// valueOf is variable for an environment that is not the process's.
func valueOf(env []string, name, def string) (string, error) {
	for _, e := range env {
		if value, found := strings.CutPrefix(e, name+"="); found {
			return variableValue(name, def, value, true)
		}
	}
	return variableValue(name, def, "", false)
}

// FuzzEarly shows that whatever the early part understands of a command line the full
// probe understands in the same way. Arguments, variables and the lines of the file are
// separated by newlines.
func FuzzEarly(f *testing.F) {
	for _, args := range earlyArgs {
		f.Add(strings.Join(args, "\n"), "PORT=8080\nEMPTY=", "")
	}
	f.Add("", "PORT=8080", "-timeout=2.7s\nhttp://:$PORT/healthz\n")
	f.Add("-timeout=1s\n-log=false", "PORT=1\nPORT=2", "--timeout\n9s\n-status=204\nhttp+unix:///run/app.sock:/x")
	f.Fuzz(func(t *testing.T, args, env, lines string) {
		if strings.Contains(args+env, "\x00") {
			t.Skip("no arguments of a process hold that")
		}
		file := filepath.Join(t.TempDir(), "args")
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		checkUnderstood(t, split(args), split(env), file)
	})
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// earlyArgs are command lines that the early part understands.
var earlyArgs = [][]string{
	{"http://:8080/healthz"}, {"http://:8080"}, {"http://localhost:8080?x=1"}, {"http://127.0.0.1:80/"}, {"http://127.1.2.3:65535/a/b?c=d"}, {"http://[::1]:8080/"},
	{"http://:$PORT/"}, {"http://:${PORT}/$$x"}, {"http://:${PORT:-80}/"}, {"http://:${NONE:-80}/"}, {"http://:${EMPTY:-80}/"},
	{"tcp://:8080"}, {"tcp://[::1]:1"}, {"unix:///run/app.sock"}, {"unix://@name"}, {"http+unix:///run/app.sock:/healthz?x"}, {"http+unix://@app:"},
	{"file:///tmp/alive"}, {"file:///tmp/alive?max_age=1m2.5s"}, {"auto"}, {"auto:8080,$PORT"}, {"auto:1,2,3,4,5,6,7,65535"}, {"-path=/x", "auto:${NONE:-80}"},
	{"-timeout=2.7s", "http://:8080/"}, {"--timeout", "1m29.5s", "tcp://:1"},
	{"-status=200-299,301,404", "http://:8080/"}, {"-status", "204", "http+unix://@app:/"}, {"-path=/healthz", "-status=200", "auto"}, {"auto", "-path", "?x"},
	{"-log", "--", "tcp://:1"}, {"-log=0", "http://:1/", "tcp://:2", "file:///x", "unix://@x"},
}

// TestEarlyUnderstands shows that there is something that the early part understands.
func TestEarlyUnderstands(t *testing.T) {
	for _, args := range earlyArgs {
		if !checkUnderstood(t, args, []string{"X=1", "PORT=8080", "EMPTY="}, "/no/such/file") {
			t.Errorf("%q is not understood", args)
		}
	}
}

// FuzzEarlyAnswer shows that an answer which is healthy early is healthy.
func FuzzEarlyAnswer(f *testing.F) {
	for _, answer := range []string{ok200, "HTTP/1.1 200\r\n", "HTTP/1.0 302 \n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" + ok200,
		"HTTP/1.1 200 OK\r", "HTTP/1.1 200\r\r\n", "HTTP/1.x 200 OK\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 099 \r\n", "HTTP/2 200\r\n"} {
		f.Add(answer, "")
		f.Add(answer, "200-201,302")
	}
	f.Fuzz(func(t *testing.T, answer, status string) {
		cmd := probeargs.Command{}
		early = zeroEarly
		if status != "" {
			parsed, err := probeargs.Parse([]string{"-status=" + status, "http://:1/"}, func(string, string) (string, error) { return "", errClosed })
			if err != nil {
				t.Skip("no such flag")
			}
			cmd = *parsed
			early.status.addString(status)
		}
		early.answer.n = copy(early.answer.b[:], answer)
		healthy, _ := judgeStatus(readStatus())
		said, _ := judged(cmd, &script{data: string(early.answer.b[:early.answer.n])})
		if healthy && said != "" {
			t.Errorf("%q is healthy early, and then: %s", answer, said)
		}
	})
}

// TestMountTypes shows which lines of mountinfo are of file systems that need nobody else.
func TestMountTypes(t *testing.T) {
	for mount, want := range map[string]bool{
		"22 27 0:21 / /proc rw,relatime - proc proc rw":                                  true,
		"36 35 98:0 /a /b rw,noatime master:1 - ext3 /dev/root rw,errors=continue":       true,
		"36 35 0:50 / /data rw,relatime shared:1 - nfs4 fs-1.efs:/ rw":                   false,
		"36 35 0:50 / /data rw,relatime - fuse.sshfs host:/ rw":                          false,
		"36 35 0:50 / /data rw,relatime - overlay2 x rw":                                 false,
		"36 35 0:50 / /data rw,relatime - ext x rw":                                      false,
		"36 35 0:50 / /data rw,relatime -  x rw":                                         false,
		"36 35 0:50 / /data rw,relatime - ext4":                                          false,
		"36 35 0:50 / /data rw,relatime - tmpfs proc x rw\n36 35 0:50 / /d rw - 9p x rw": false,
	} {
		early = zeroEarly
		early.answer.set(mount)
		ok := true
		for i := 0; i < early.answer.n; i++ {
			ok = ok && (!early.answer.starts(i, " - ") || early.answer.hasOneOf(i+2, localTypes))
		}
		if ok != want {
			t.Errorf("%s: %v", mount, ok)
		}
	}
}

// FuzzEarlySockets shows that of what the kernel says of sockets the same is understood
// early, and the same can be reached of an app that has them all.
func FuzzEarlySockets(f *testing.F) {
	order := binary.LittleEndian
	for _, addrs := range []string{"127.0.0.1:8080", "[::]:65535 0.0.0.0:65535", "[::ffff:127.0.0.1]:1", "0.0.0.0:80 [::]:81", "[fe80::1]:80 172.17.0.2:80 [::1]:80"} {
		data := ""
		for i, addr := range strings.Fields(addrs) {
			data += diagMessage(order, sockDiagByFamily, familyIPv4, diagListener(order, addr, uint32(i+1))...)
		}
		f.Add([]byte(data))
		f.Add([]byte(data + diagMessage(order, netlinkDone, familyIPv4, 0, 0, 0, 0)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		early = zeroEarly
		b := &early.sockets
		if b.n = copy(b.b[:], data); b.n == len(b.b) {
			t.Skip("it does not fit")
		}
		if _, ok := areSockets(0, familyIPv4); !ok {
			return
		}
		full := diagReader{little: true}
		if _, ok := full.datagram(data, familyIPv4); !ok {
			t.Fatalf("%x is understood early, and wrong", data)
		}
		for i := range full.found {
			full.found[i].own = true
		}
		var want, got []string
		for _, p := range reachable(full.found) {
			want = append(want, probeargs.Target{Scheme: "tcp", Host: p.host, Port: p.port}.String())
		}
		i := 0
		for s := socketFrom(0); s != nil && i < len(full.found); s = socketFrom(s.end()) {
			if !s.isListener() {
				continue
			}
			if l := full.found[i]; (s.waiting <= s.limit) != l.room {
				t.Errorf("%x: room early %v, and then %v", data, (s.waiting <= s.limit), l.room)
			}
			i++
		}
		for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
			s.own = 1
		}
		for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
			if s.isApps() {
				var a aim
				s.aim(&a)
				target := probeargs.Target{Scheme: "tcp", Port: uint16(a.port)}
				switch a.family {
				case syscall.AF_INET:
					target.Host = mapped([4]byte(a.ip[12:])).text()
				case syscall.AF_INET6:
					target.Host = ipAddr(a.ip).text()
				}
				got = append(got, target.String())
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("early %q, full %q", got, want)
		}
	})
}
