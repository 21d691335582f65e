package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// ownListeners returns what is found of this process's listeners, sorted.
func ownListeners(t *testing.T, all []listener) []string {
	t.Helper()
	f := &finder{proc: procDir, deadline: now() + 60*probeargs.Second}
	f.mark(all, procDir+"/self/fd/", maxDescriptors)
	if f.hidden != nil {
		t.Error(f.hidden)
	}
	all = slices.DeleteFunc(slices.Clone(all), func(l listener) bool { return !l.own })
	own := strings.Fields(foundText(all))
	slices.Sort(own)
	return own
}

// listenEverywhere listens in all ways there are, and returns the addresses.
func listenEverywhere(t *testing.T) (addrs []string) {
	t.Helper()
	for _, multipath := range []bool{false, true} { // of which Go makes use by default
		var config net.ListenConfig
		config.SetMultipathTCP(multipath)
		for _, spec := range []string{"tcp4 :0", "tcp6 :0", "tcp :0", "tcp4 127.0.0.1:0", "tcp4 127.9.8.7:0", "tcp6 [::1]:0"} {
			network, addr, _ := strings.Cut(spec, " ")
			l, err := config.Listen(context.Background(), network, addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			addrs = append(addrs, l.Addr().String())
		}
	}
	loopback := netip.MustParseAddr("::ffff:127.0.0.1")
	sa := fullListener(t, syscall.AF_INET6, &syscall.SockaddrInet6{Addr: loopback.As16()}).(*syscall.SockaddrInet6)
	return append(addrs, netip.AddrPortFrom(loopback.Unmap(), uint16(sa.Port)).String())
}

// TestAskListeners shows that the kernel answers what its files say, to a process
// without any rights, too.
func TestAskListeners(t *testing.T) {
	addrs := listenEverywhere(t)
	f := &finder{proc: procDir, deadline: now() + 60*probeargs.Second}
	want := ownListeners(t, f.readListeners())
	for _, addr := range addrs {
		if !slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, addr+"=") }) {
			t.Errorf("%s is not among %q", addr, want)
		}
	}
	for name, ask := range map[string]func(instant) ([]listener, bool){"as it is": askListeners, "without rights": askWithoutRights(t)} {
		all, ok := ask(f.deadline)
		if !ok && os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
			t.Skip("this kernel does not answer sock_diag(7): the probe reads files, as other tests show")
		}
		if !ok {
			t.Errorf("%s: no answer; has this kernel no module tcp_diag?", name)
		}
		if diff := cmp.Diff(want, ownListeners(t, all)); diff != "" {
			t.Errorf("%s: (-files +kernel)\n%s", name, diff)
		}
	}
}

// askWithoutRights is askListeners as it goes in a container whose user is not root,
// without capabilities and with no-new-privileges. Linux keeps these for each thread:
// the one that gives them up ends with its goroutine.
func askWithoutRights(t *testing.T) func(instant) ([]listener, bool) {
	return func(deadline instant) (found []listener, ok bool) {
		onThread(func() {
			dropRights(t)
			found, ok = askListeners(deadline)
		})
		return found, ok
	}
}

func dropRights(t *testing.T) {
	const capBsetDrop, setNoNewPrivs, user = 24, 38, 65532 // PR_… of linux/prctl.h
	calls := [][4]uintptr{{syscall.SYS_PRCTL, setNoNewPrivs, 1}}
	if os.Geteuid() == 0 {
		for capability := uintptr(0); capability <= 40; capability++ {
			calls = append(calls, [4]uintptr{syscall.SYS_PRCTL, capBsetDrop, capability})
		}
		calls = append(calls, [4]uintptr{syscall.SYS_SETRESGID, user, user, user}, [4]uintptr{syscall.SYS_SETRESUID, user, user, user})
	}
	for _, c := range calls {
		_, _, errno := syscall.RawSyscall6(c[0], c[1], c[2], c[3], 0, 0, 0)
		if errno != 0 && !(c[1] == capBsetDrop && errno == syscall.EINVAL) { // an older kernel's has fewer
			t.Errorf("giving up rights: %v: %v", c, errno)
		}
	}
}

// TestAskTimeout shows that nobody is asked or waited for without time, and that
// what is not an answer of the kernel is none.
func TestAskTimeout(t *testing.T) {
	if found, ok := askListeners(now() - 1); ok {
		t.Errorf("an answer at the deadline: %+v", found)
	}
	silent, _ := pair(t)
	r := diagReader{little: littleEndian()}
	if r.ask(silent, familyIPv4, now()+50*probeargs.Millisecond) {
		t.Error("an answer from nobody")
	}
	fd, other := pair(t)
	if _, err := syscall.Write(other, []byte(diagMessage(byteOrders[r.little], 3, familyIPv4, 0, 0, 0, 0))); err != nil {
		t.Fatal(err)
	}
	if r.ask(fd, familyIPv4, now()+60*probeargs.Second) {
		t.Error("an answer from another process")
	}
}

// pair returns two sockets for datagrams that are connected to each other.
func pair(t *testing.T) (fd, other int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fds[0]); syscall.Close(fds[1]) })
	return fds[0], fds[1]
}

// TestAskFallback shows that the files are read when the kernel does not answer.
func TestAskFallback(t *testing.T) {
	proc := fakeProc{"self": "->9", "9/net/tcp": lines(12, "127.0.0.1:80"), "9/net/tcp6": lines()}.write(t)
	tests := []struct {
		name  string
		found []listener
		ok    bool
		want  string
	}{
		{"answer", []listener{{port: 81, inode: 13}}, true, "[::]:81=13"},
		{"empty answer", nil, true, "127.0.0.1:80=12"},
		{"error", []listener{{port: 81, inode: 13}}, false, "127.0.0.1:80=12"},
	}
	for _, tt := range tests {
		f := &finder{proc: proc, deadline: now() + 60*probeargs.Second}
		f.ask = func(instant) ([]listener, bool) { return tt.found, tt.ok }
		if got := foundText(f.listeners()); got != tt.want || f.hidden != nil {
			t.Errorf("%s: %q, want %q; %v", tt.name, got, tt.want, f.hidden)
		}
	}
}
