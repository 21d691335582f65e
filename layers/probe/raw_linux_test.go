//go:build linux && !net

package main

import (
	"syscall"
	"testing"
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
	}
}
