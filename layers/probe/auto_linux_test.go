package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A fakeProc is a file system proc(5): names to contents, or with "->" to what they
// link to. A directory's name ends with a slash.
type fakeProc map[string]string

func (f fakeProc) write(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range f {
		name, isDir := filepath.Join(dir, name), strings.HasSuffix(name, "/")
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		link, isLink := strings.CutPrefix(content, "->")
		switch {
		case err != nil:
		case isDir:
			err = os.MkdirAll(name, 0o755)
		case isLink:
			err = os.Symlink(link, name)
		default:
			err = os.WriteFile(name, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// with returns f with more files, or without those whose content is "-".
func (f fakeProc) with(more fakeProc) fakeProc {
	all := fakeProc{}
	for _, m := range []fakeProc{f, more} {
		for name, content := range m {
			if all[name] = content; content == "-" {
				delete(all, name)
			}
		}
	}
	return all
}

// lines returns what /proc/net/tcp says of listening sockets, each an inode and an
// address.
func lines(sockets ...any) string {
	s := tcpHeader
	for i := 0; i < len(sockets); i += 2 {
		addr := netip.MustParseAddrPort(sockets[i+1].(string))
		s += tcpLine(addr, "0A", int64(sockets[i].(int)), binary.NativeEndian)
		s += tcpLine(addr, "01", int64(sockets[i].(int))+1000, binary.NativeEndian)
	}
	return s
}

// TestAuto shows what auto makes of all kinds of containers. In what it says, UP is
// a port that accepts and DOWN one that does not.
func TestAuto(t *testing.T) {
	up, answering, down := listen(t, "tcp4"), listen(t, "tcp4"), closedPort(t)
	serve(t, up, answer(ok200))
	serve(t, answering, answer("HTTP/1.1 503 No\r\n\r\n"))
	lowest, highest := port(up), port(answering)
	if netip.MustParseAddrPort("1.1.1.1:"+lowest).Port() > netip.MustParseAddrPort("1.1.1.1:"+highest).Port() {
		lowest, highest = highest, lowest
	}
	names := map[string]string{port(up): "0.0.0.0:" + port(up), port(answering): "127.0.0.1:" + port(answering)}
	ports := strings.NewReplacer("UP", port(up), "DOWN", down, "LOWNAME", names[lowest], "HIGHNAME", names[highest])
	upLine := lines(12, "127.0.0.1:"+port(up))

	init := fakeProc{
		"self": "->9", "9/exe": "->/usr/bin/healthcheck", "9/ns/mnt": "->mnt:[1]", "9/ns/net": "->net:[1]",
		"9/net/tcp": upLine, "9/net/tcp6": lines(), "uptime": "1", "1/exe": "->/sbin/tini", "1/fd/": "",
	}
	app := init.with(fakeProc{"7/exe": "->/ko-app/hello", "7/fd/0": "->/dev/null", "7/fd/1": "->pipe:[12]",
		"7/fd/2": "->socket:[99]", "7/fd/3": "->socket:[12]", "7/ns/mnt": "->mnt:[1]", "7/ns/net": "->net:[1]"})
	other := fakeProc{"5/exe": "->/ko-app/other", "5/fd/3": "->socket:[13]",
		"9/net/tcp": lines(13, "127.0.0.1:"+down, 12, "127.0.0.1:"+port(up))}
	hidden := app.with(fakeProc{"7/exe": "no link"})

	const (
		theApp    = "the app (/ko-app/hello, process 7)"
		noFind    = "the app's ports cannot be found: "
		unhealthy = "unhealthy: auto: "
		accepts   = "healthy: auto: " + theApp + " accepts on 127.0.0.1:UP"
		noProcess = unhealthy + "no process runs a program in /ko-app/: configure a check, such as --health=http://:8080/healthz"
		noPort    = unhealthy + theApp + " listens on no TCP port yet: if it never does, configure a check, such as --health=unix:///run/app.sock or --health=file:///tmp/alive"
	)
	type container struct {
		name  string
		proc  fakeProc
		env   string // PORT
		path  string
		want  string
		named string // what follows the word auto
	}
	tests := []container{
		{"init", app, "", "", accepts, ""},
		{"process 1", app.with(fakeProc{"7/exe": "-", "1/exe": "->/ko-app/hello", "1/fd/3": "->socket:[12]"}), "", "",
			"healthy: auto: the app (/ko-app/hello, process 1) accepts on 127.0.0.1:UP", ""},
		{"deleted", app.with(fakeProc{"7/exe": "->/ko-app/hello (deleted)"}), "", "", accepts, ""},
		{"translated", app.with(fakeProc{"7/exe": "->/usr/bin/qemu-aarch64-static", "7/cmdline": "/usr/bin/qemu-aarch64-static\x00/ko-app/hello\x00/ko-app/hello\x00-v\x00"}),
			"", "", accepts, ""},
		{"another program translated", app.with(fakeProc{"7/exe": "->/run/rosetta/rosetta", "7/cmdline": "rosetta\x00/bin/sh\x00/ko-app/hello\x00"}), "", "", noProcess, ""},
		{"name with escapes", app.with(fakeProc{"7/exe": "->/ko-app/a\nb"}), "", "",
			`healthy: auto: the app (/ko-app/a\nb, process 7) accepts on 127.0.0.1:UP`, ""},
		{"several ports", app.with(fakeProc{"7/fd/4": "->socket:[13]", "9/net/tcp": lines(12, "0.0.0.0:"+port(up)),
			"9/net/tcp6": lines(13, "[::ffff:127.0.0.1]:"+port(answering), 14, "[::1]:"+down)}), "", "",
			"healthy: auto: " + theApp + " accepts on LOWNAME HIGHNAME", ""},
		{"several ports, one does not accept", app.with(fakeProc{"7/fd/4": "->socket:[13]",
			"9/net/tcp6": lines(13, "[::1]:"+down)}), "", "", unhealthy + theApp + ": connecting to [::1]:DOWN: connection refused", ""},
		{"two processes", app.with(other), "", "",
			unhealthy + "the app (/ko-app/other, process 5): connecting to 127.0.0.1:DOWN: connection refused", ""},
		{"two containers", app.with(other).with(fakeProc{"5/ns/mnt": "->mnt:[2]"}), "", "", accepts, ""},
		{"two networks", app.with(other).with(fakeProc{"5/ns/net": "->net:[2]"}), "", "", accepts, ""},
		{"only another container's app", app.with(fakeProc{"7/ns/mnt": "->mnt:[2]"}), "UP", "", noProcess, ""},
		{"namespaces cannot be read", app.with(fakeProc{"7/ns/mnt": "-", "7/ns/net": "-"}), "", "", accepts, ""},
		{"other processes' ports", app.with(fakeProc{"1/fd/5": "->socket:[13]",
			"9/net/tcp": lines(13, "127.0.0.1:"+down, 12, "127.0.0.1:"+port(up))}), "", "", accepts, ""},
		{"no port", app.with(fakeProc{"7/fd/3": "->socket:[13]"}), "UP", "", noPort, ""},
		{"no port, and another process hidden", app.with(fakeProc{"7/fd/3": "-", "1/exe": "no link"}), "UP", "", noPort, ""},
		{"no port of TCP over IPv6", app.with(fakeProc{"7/fd/3": "-", "9/net/tcp6": "-"}), "UP", "", noPort, ""},
		{"many connections over IPv4", app.with(fakeProc{"9/net/tcp": tcpHeader + strings.Repeat("x\n", maxOthers),
			"9/net/tcp6": lines(12, "[::ffff:127.0.0.1]:"+port(up))}), "", "", accepts, ""},
		{"no app", init, "UP", "", noProcess, ""},
		{"the probe itself", init.with(fakeProc{"9/exe": "->/ko-app/healthcheck", "9/fd/3": "->socket:[12]"}), "UP", "", noProcess, ""},
		{"a program elsewhere", app.with(fakeProc{"7/exe": "->/ko-apps/hello"}), "UP", "", noProcess, ""},

		{"path", app.with(fakeProc{"7/fd/4": "->socket:[13]", "9/net/tcp": lines(13, "127.0.0.1:"+down, 12, "127.0.0.1:1")}), "", "/up?x",
			"unhealthy: GET http://127.0.0.1:1/up?x: connecting to 127.0.0.1:1: connection refused", ""},
		{"path that answers", app, "", "/up?x", `healthy: GET http://127.0.0.1:UP/up?x: 200 "OK"`, ""},
		{"path and PORT", hidden, "UP", "/up", `healthy: GET http://127.0.0.1:UP/up: 200 "OK"`, ""},

		{"named port", app, "", "", "healthy: auto: " + theApp + " accepts on 127.0.0.1:UP", ":UP"},
		{"named port that another process has", app.with(fakeProc{"1/fd/5": "->socket:[13]",
			"9/net/tcp": lines(13, "127.0.0.1:"+port(answering), 12, "127.0.0.1:"+port(up))}), "", "",
			"unhealthy: auto: " + theApp + " does not listen on port " + port(answering) + " yet, but on 127.0.0.1:UP", ":UP," + port(answering)},
		{"named port from a variable", app, "UP", "", "healthy: auto: " + theApp + " accepts on 127.0.0.1:UP", ":${PORT:-1}"},
		{"named port, and one that does not accept", app.with(fakeProc{"7/fd/4": "->socket:[13]", "9/net/tcp6": lines(13, "[::1]:"+down)}), "", "",
			"unhealthy: auto: " + theApp + ": connecting to [::1]:DOWN: connection refused", ":UP"},
		{"named port and path", app.with(fakeProc{"7/fd/4": "->socket:[13]", "9/net/tcp": lines(13, "127.0.0.1:1", 12, "127.0.0.1:"+port(up))}), "", "/up",
			`healthy: GET http://127.0.0.1:UP/up: 200 "OK"`, ":UP"},
		{"named port, and the app's hidden", hidden, "", "",
			"healthy: auto: " + noFind + "reading PROC/7/exe: invalid argument accepts on :UP", ":UP"},
		{"named port that does not accept, and the app's hidden", hidden, "UP", "",
			"unhealthy: auto: " + noFind + "reading PROC/7/exe: invalid argument: connecting to 127.0.0.1:DOWN and [::1]:DOWN: connection refused", ":DOWN"},

		{"hidden", hidden, "", "",
			unhealthy + noFind + "reading PROC/7/exe: invalid argument; PORT holds no port either: configure a check, such as --health=http://:8080/healthz", ""},
		{"hidden and PORT", hidden, "UP", "",
			"healthy: auto: " + noFind + "reading PROC/7/exe: invalid argument; PORT accepts on :UP", ""},
		{"hidden and PORT that does not accept", hidden, "DOWN", "",
			unhealthy + noFind + "reading PROC/7/exe: invalid argument; PORT: connecting to 127.0.0.1:DOWN and [::1]:DOWN: connection refused", ""},
		{"hidden and PORT that is none", hidden, "http", "",
			unhealthy + noFind + `reading PROC/7/exe: invalid argument; PORT holds no port either: configure a check, such as --health=http://:8080/healthz`, ""},
		{"hidden descriptors", app.with(fakeProc{"7/fd/3": "no link"}), "UP", "", "healthy: auto: " + noFind + "reading PROC/7/fd/3: invalid argument; PORT accepts on :UP", ""},
		{"hidden list of descriptors", app.with(fakeProc{"7/fd/0": "-", "7/fd/1": "-", "7/fd/2": "-", "7/fd/3": "-", "7/fd": "no directory"}), "", "",
			unhealthy + noFind + "reading PROC/7/fd/: not a directory; PORT holds no port either: configure a check, such as --health=http://:8080/healthz", ""},
		{"other process hidden", app.with(fakeProc{"1/exe": "no link"}), "", "", accepts, ""},
		{"processes hidden", init.with(fakeProc{"1/exe": "-", "1/fd/": "-"}), "UP", "", "healthy: auto: " + noFind + "reading PROC: process 1 does not show; PORT accepts on :UP", ""},
		{"ports hidden", app.with(fakeProc{"9/net/tcp": "-"}), "", "",
			unhealthy + noFind + "reading PROC/self/net/tcp: no such file or directory; PORT holds no port either: configure a check, such as --health=http://:8080/healthz", ""},
		{"empty proc", fakeProc{"x/": ""}, "", "",
			unhealthy + noFind + "reading PROC: process 1 does not show; PORT holds no port either: configure a check, such as --health=http://:8080/healthz", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PORT", ports.Replace(tt.env))
			proc := tt.proc.write(t)
			args := []string{"auto" + ports.Replace(tt.named)}
			if tt.path != "" {
				args = append(args, "-path="+tt.path)
			}
			cmd, err := probeargs.Parse(args, variable)
			if err != nil {
				t.Fatal(err)
			}
			got, _, _ := strings.Cut(newCheck(cmd).auto(cmd.Targets[0].Path, proc, "/ko-app/").line(), " (0ms)")
			if want := ports.Replace(strings.ReplaceAll(tt.want, "PROC", proc)); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

// TestAutoWithoutIPv6 shows that an address of IPv6, where that is switched off, matters
// only if the app listens on no other. The kernel is not asked, so that the probe connects.
func TestAutoWithoutIPv6(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("a network namespace is root's to make")
	}
	onThread(func() {
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		raiseLoopback(t)
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0); err != nil {
			t.Error(err)
		}
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err == nil {
			defer syscall.Close(fd)
			err = cmp.Or(syscall.Bind(fd, &syscall.SockaddrInet4{Port: 8080}), syscall.Listen(fd, 1))
		}
		if err != nil {
			t.Error(err)
		}
		const four, six = "0.0.0.0:8080", "[::]:8080"
		for name, tt := range map[string]struct{ four, six, want string }{
			"both":      {lines(12, four), lines(13, six), "healthy: auto: the app (/ko-app/hello, process 7) accepts on " + four},
			"only IPv6": {lines(12, "127.0.0.1:1", 14, four), lines(13, "[::1]:2"), "unhealthy: auto: the app (/ko-app/hello, process 7): connecting to [::1]:2: cannot assign requested address"},
		} {
			proc := fakeProc{"self": "->9", "9/net/tcp": tt.four, "9/net/tcp6": tt.six, "1/exe": "->/sbin/tini", "1/fd/": "",
				"7/exe": "->/ko-app/hello", "7/fd/3": "->socket:[13]", "7/fd/4": "->socket:[12]"}
			if name == "only IPv6" {
				proc["7/fd/4"] = "->socket:[99]"
			}
			c := newCheck(&probeargs.Command{})
			got, _, _ := strings.Cut(c.auto("", proc.write(t), "/ko-app/").line(), " (0ms)")
			if got != tt.want {
				t.Errorf("%s: %s\nwant %s", name, got, tt.want)
			}
		}
	})
}

// onThread calls f on a thread that ends with it, and with what f has made of the thread.
// It is not the first of the process, by which others see it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if syscall.Gettid() == syscall.Getpid() {
			onThread(f) // while this goroutine holds the first
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// raiseLoopback switches on the loopback interface of a new network namespace.
func raiseLoopback(t *testing.T) {
	t.Helper()
	if err := upLoopback(); err != nil {
		t.Error(err)
	}
}

// upLoopback switches on the loopback interface: netdevice(7).
func upLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

// TestAutoTimeout shows that a check whose time is over reads nothing more.
func TestAutoTimeout(t *testing.T) {
	_, err := findApp("/proc", "/ko-app/", "", now()-1)
	if got, want := text(err), "looking for the app's ports: timed out"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = findApp("/no/such/proc", "/ko-app/", "", now()+probeargs.Second)
	if err != nil {
		t.Error(err)
	}
}

// TestManyDescriptors shows that an app with many connections is not looked at for
// longer than need be, and for as long as need be.
func TestManyDescriptors(t *testing.T) {
	const many = maxDescriptors + 3000
	dir := filepath.Join(t.TempDir(), "fd")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for fd := range many {
		if err := os.Symlink(fmt.Sprintf("socket:[%d]", fd+1), filepath.Join(dir, fmt.Sprint(fd))); err != nil {
			t.Fatal(err)
		}
	}
	names, err := readDir(dir, 2*many)
	if err != nil || len(names) != many {
		t.Fatalf("%d of %d names, %v", len(names), many, err)
	}
	inode := func(at int) int { // by the order in which the directory is read
		fd, _ := number(names[at], 10)
		return int(fd) + 1
	}
	early, late, later := inode(100), inode(maxDescriptors+100), inode(maxDescriptors+200)
	app := fakeProc{"self": "->9", "1/exe": "->/sbin/tini", "1/fd/": "", "7/exe": "->/ko-app/hello", "9/net/tcp6": lines()}
	for name, tt := range map[string]struct {
		listeners []any
		ports     string
		want      string
	}{
		"the first are enough":     {[]any{early, "1.1.1.1:80", late, "1.1.1.1:81"}, "", "1.1.1.1:80"},
		"none among the first":     {[]any{late, "1.1.1.1:81"}, "", "1.1.1.1:81"},
		"a port that is named":     {[]any{early, "1.1.1.1:80", late, "1.1.1.1:81", later, "1.1.1.1:82"}, "81,80", "1.1.1.1:80 1.1.1.1:81 1.1.1.1:82"},
		"a port that is not there": {[]any{early, "1.1.1.1:80", late, "1.1.1.1:81"}, "80,9", "1.1.1.1:80 1.1.1.1:81"},
	} {
		proc := app.with(fakeProc{"9/net/tcp": lines(append(tt.listeners, many+10, "1.1.1.1:1")...)}).write(t)
		if err := os.Symlink(dir, filepath.Join(proc, "7", "fd")); err != nil {
			t.Fatal(err)
		}
		a, err := findApp(proc, "/ko-app/", tt.ports, now()+60*probeargs.Second)
		if err != nil || a.hidden != nil {
			t.Fatal(err, a.hidden)
		}
		var got []string
		for _, p := range a.at {
			got = append(got, p.name)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", name, s, tt.want)
		}
	}
}

func TestReachable(t *testing.T) {
	tests := []struct {
		name   string
		own    string // addresses of listeners, separated by spaces
		others string
		want   string // targets
	}{
		{"every address", "0.0.0.0:80", "", "tcp://127.0.0.1:80"},
		{"every address of both families", "[::]:80", "0.0.0.0:81", "tcp://:80"},
		{"of one family each", "[::]:80 0.0.0.0:80", "", "tcp://[::1]:80 tcp://127.0.0.1:80"},
		{"other family is another's", "[::]:80", "127.0.0.1:80", "tcp://[::1]:80"},
		{"mapped", "[::ffff:0.0.0.0]:80 [::ffff:127.0.0.1]:80 [::ffff:10.0.0.1]:81", "", "tcp://127.0.0.1:80 tcp://10.0.0.1:81"},
		{"loopback", "127.0.0.53:53 [::1]:53", "", "tcp://127.0.0.53:53 tcp://[::1]:53"},
		{"the container's", "172.17.0.2:80 [fd00::2]:79", "", "tcp://[fd00:0:0:0:0:0:0:2]:79 tcp://172.17.0.2:80"},
		{"link-local", "[fe80::1]:80", "", ""},
		{"sorted", "0.0.0.0:9 0.0.0.0:7 0.0.0.0:8 0.0.0.0:7", "0.0.0.0:6", "tcp://127.0.0.1:7 tcp://127.0.0.1:8 tcp://127.0.0.1:9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var all []listener
			for own, addrs := range map[bool]string{true: tt.own, false: tt.others} {
				for _, addr := range strings.Fields(addrs) {
					a := netip.MustParseAddrPort(addr)
					all = append(all, listener{ip: a.Addr().As16(), port: a.Port(), own: own})
				}
			}
			var got []string
			for _, p := range reachable(all) {
				got = append(got, probeargs.Target{Scheme: "tcp", Host: p.host, Port: p.port}.String())
			}
			if diff := gocmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestAddresses shows that a target that auto has found is dialled where it listens.
func TestAddresses(t *testing.T) {
	for _, want := range []string{"10.0.0.1:80", "127.0.0.1:80", "[::1]:80", "[fd00::2]:80"} {
		a := netip.MustParseAddrPort(want)
		host := ipAddr(a.Addr().As16()).text()
		got := addresses(probeargs.Target{Scheme: "tcp", Host: host, Port: 80})
		if len(got) != 1 || netip.MustParseAddrPort(got[0].name) != a || got[0].ip != a.Addr().As16() || got[0].port != 80 {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

// TestAutoProcess runs the probe beside apps that run, in the way of a container:
// ko-app is where the tests' probes look for the app.
func TestAutoProcess(t *testing.T) {
	dir := filepath.Join(filepath.Dir(variants[0].path), "ko-app")
	readers := slices.DeleteFunc(slices.Clone(variants), func(v *variant) bool {
		return v.name == "s390x" // big-endian, and the kernel here writes its words little-endian
	})
	// Where processes of other users cannot be read, an app that is not there may
	// be one of those.
	const notThere = `auto: (no process runs a program in .*/ko-app/|the app's ports cannot be found: reading /proc.*; PORT holds no port either): configure a check, such as .*`
	for _, v := range readers {
		v.run(t, nil, "auto").check(t, notThere)
	}
	addrs := outsideAddrs(t)
	specs := append([]string{"tcp4", "tcp6", "tcp", "tcp4@127.0.0.1:0", "tcp4@127.9.8.7:0", "tcp6@[::1]:0"}, addrs...)
	for _, spec := range specs {
		ports, pid, end := startApp(t, dir, spec)
		theApp := regexp.QuoteMeta("the app (" + dir + "/app, process " + pid + ")")
		for _, v := range readers {
			r := v.run(t, nil, "-v", "auto")
			if want := "healthy: auto: " + theApp + ` accepts on [^ ]+:` + ports[0] + ` \(.*\)\n`; !regexp.MustCompile("^" + want + "$").MatchString(r.stderr) {
				t.Errorf("%s %s: %q does not match %q", v.name, spec, r.stderr, want)
			}
			v.run(t, nil, "-path=/up", "-status=418", "-body=/up", "auto").check(t)
			v.run(t, nil, "-path=/up", "auto").check(t, `GET http://[^ ]+:`+ports[0]+`/up: 418 "I'm a teapot": "/up"`)
		}
		end()
	}

	startApp(t, dir)
	for _, v := range readers {
		v.run(t, nil, "auto").check(t, `auto: the app \(.*\) listens on no TCP port yet: if it never does, configure a check, such as .*`)
	}
	startApp(t, dir, "tcp", "tcp4")
	if err := os.Remove(filepath.Join(dir, "app")); err != nil {
		t.Fatal(err)
	}
	for _, v := range readers {
		v.run(t, nil, "auto").check(t)
	}
}

// TestAutoAsksTheKernel shows that nobody connects to an app that the kernel knows to have
// room for connections, and what comes of it when it has not.
func TestAutoAsksTheKernel(t *testing.T) {
	dir := filepath.Join(filepath.Dir(variants[0].path), "ko-app")
	ports, _, _ := startApp(t, dir, "stuck@127.0.0.1:0", "tcp4@127.0.0.1:0")
	own := slices.DeleteFunc(slices.Clone(variants), func(v *variant) bool { return v.emu != nil }) // an emulator may not have such sockets
	for _, v := range own {
		for range 4 { // connections would be two too many
			v.run(t, nil, "auto").check(t)
		}
		v.run(t, nil, "auto:"+ports[1]+","+ports[0]).check(t)
		v.run(t, nil, "auto:"+ports[1]+",9").check(t, `auto: the app \(.*\) does not listen on port 9 yet, but on 127\.0\.0\.1:.* 127\.0\.0\.1:.*`)
		v.run(t, nil, "-path=/up", "-status=418", "-body=/up", "auto:"+ports[1]).check(t)
		var stdout bytes.Buffer
		cmd := v.command(nil, "-json", "auto")
		cmd.Stdout = &stdout
		execute(t, cmd).check(t)
		got := parseJSON(t, stdout.String())
		for _, port := range ports {
			if len(got.Targets) != 1 || !slices.Contains(got.Targets[0].Addresses, "127.0.0.1:"+port) {
				t.Errorf("%s: port %s is not in %s", v.name, port, &stdout)
			}
		}
	}
	for range 2 {
		c, err := net.Dial("tcp4", "127.0.0.1:"+ports[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for _, v := range own {
		v.run(t, nil, "-timeout=200ms", "auto").check(t, `auto: the app \(.*\): connecting to 127\.0\.0\.1:`+ports[0]+`: timed out`)
		v.run(t, nil, "-path=/up", "-status=418", "auto:"+ports[1]).check(t)
	}
}

// outsideAddrs returns an app's arguments to listen on this machine's own addresses.
func outsideAddrs(t *testing.T) (specs []string) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, _ := netip.ParsePrefix(a.String())
		if addr := ip.Addr(); addr.IsGlobalUnicast() {
			specs = append(specs, "tcp@"+netip.AddrPortFrom(addr, 0).String())
		}
	}
	return specs
}
