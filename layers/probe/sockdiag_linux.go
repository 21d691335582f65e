package main

import (
	"syscall"
	"unsafe"
)

// askListeners asks the kernel for the listening TCP sockets of the network
// namespace. Not every kernel answers: gVisor has no such sockets, Linux may have
// been built without the module tcp_diag, and SELinux may not allow it.
func askListeners(deadline instant) (found []listener, ok bool) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG)
	if err != nil {
		return nil, false
	}
	r := diagReader{little: littleEndian()}
	ok = r.ask(fd, familyIPv4, deadline) && r.ask(fd, familyIPv6, deadline)
	_ = syscall.Close(fd)
	return r.found, ok
}

// ask asks for the sockets of a family. The kernel fills at most two pages at once,
// however large the buffer is: NLMSG_GOODSIZE in include/linux/netlink.h. A datagram
// that is larger all the same is given up.
func (r *diagReader) ask(fd int, family byte, deadline instant) bool {
	if _, err := syscall.Write(fd, r.request(family)); err != nil {
		return false
	}
	var buf [8192]byte
	for i := 0; i < maxListeners; i++ {
		if err := arm(fd, syscall.SO_RCVTIMEO, deadline); err != nil {
			return false
		}
		n, from, err := syscall.Recvfrom(fd, buf[:], syscall.MSG_TRUNC) // returns the whole length
		sender, _ := from.(*syscall.SockaddrNetlink)
		switch {
		case err == syscall.EINTR || err == syscall.EAGAIN:
			continue
		case err != nil || n > len(buf) || sender == nil:
			return false
		case sender.Pid != 0: // not the kernel
			continue
		}
		if end, ok := r.datagram(buf[:n], family); end || !ok {
			return ok
		}
	}
	return false
}

// littleEndian reports whether this machine is.
func littleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}
