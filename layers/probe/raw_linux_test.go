//go:build linux && !net

package main

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// TestIsSelf connects a socket to itself, as the kernel does by chance when nothing
// listens on a port that it gives to clients.
func TestIsSelf(t *testing.T) {
	for family, sa := range map[int]syscall.Sockaddr{
		syscall.AF_INET:  &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}},
		syscall.AF_INET6: &syscall.SockaddrInet6{Addr: [16]byte{15: 1}},
	} {
		fd := socket(t, family)
		if err := syscall.Bind(fd, sa); err != nil {
			t.Fatal(err)
		}
		self, err := syscall.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Connect(fd, self); err != nil {
			t.Fatal(err)
		}
		c := &rawConn{fd: fd}
		if !c.isSelf(self) {
			t.Errorf("%#v is connected to itself, and isSelf says no", self)
		}
		for _, other := range others(self) {
			if c.isSelf(other) {
				t.Errorf("%#v is connected to itself, and isSelf says so of %#v", self, other)
			}
		}
	}
}

// others returns addresses that differ from one in the port, in the host and in the family.
func others(sa syscall.Sockaddr) []syscall.Sockaddr {
	if sa, ok := sa.(*syscall.SockaddrInet4); ok {
		port, host := *sa, *sa
		port.Port++
		host.Addr[3]++
		return []syscall.Sockaddr{&port, &host, &syscall.SockaddrInet6{Port: sa.Port}}
	}
	port, host := *sa.(*syscall.SockaddrInet6), *sa.(*syscall.SockaddrInet6)
	port.Port++
	host.Addr[15]++
	return []syscall.Sockaddr{&port, &host, &syscall.SockaddrInet4{Port: port.Port - 1}}
}

// TestArm has a single wait end by the deadline even if the kernel adds an eighth to it,
// as it may.
func TestArm(t *testing.T) {
	fd := socket(t, syscall.AF_INET)
	for _, left := range []time.Duration{200 * time.Millisecond, 3 * time.Second, 20 * time.Second, time.Hour} {
		if err := arm(fd, syscall.SO_RCVTIMEO, now()+probeargs.Duration(left)); err != nil {
			t.Fatal(err)
		}
		tv, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO)
		if err != nil {
			t.Fatal(err)
		}
		if wait := time.Duration(tv.Nano()); wait*9/8 > left {
			t.Errorf("with %v left a wait of %v may take %v", left, wait, wait*9/8)
		}
	}
	if err := arm(fd, syscall.SO_RCVTIMEO, now()); err != errTimeout {
		t.Errorf("with no time left: %v", err)
	}
}
