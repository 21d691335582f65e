//go:build linux && !net && (amd64 || arm64)

package main

import (
	"syscall"
	"unsafe"
)

// A diagSocket is what the kernel says of a listening one: struct nlmsghdr and struct
// inet_diag_msg in linux/netlink.h and linux/inet_diag.h.
type diagSocket struct {
	size           uint32
	kind, flags    uint16
	sequence, from uint32
	family, state  uint8
	own            uint8 // idiag_timer, here whether it is the app's
	retransmits    uint8
	local, remote  [2]byte // ports
	ip, peer       [16]byte
	other          [4]uint32
	waiting, limit uint32 // idiag_rqueue and idiag_wqueue
	user           uint32
	inode          uint32
}

// askForSockets asks the kernel for the listening TCP sockets, as askListeners does.
func askForSockets() bool {
	early.sockets.n = 0
	fd := int(kernel(syscall.SYS_SOCKET, syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG, 0, 0, 0))
	if fd < 0 {
		return false
	}
	ok := askForFamily(fd, familyIPv4) && askForFamily(fd, familyIPv6)
	closeEarly(fd)
	return ok
}

func askForFamily(fd int, family byte) bool {
	r, b := &early.request, &early.sockets
	r.n = 0
	for i := 0; i < netlinkHeader+diagRequestSize; i++ { // as diagReader.request
		c := byte(0)
		switch i {
		case 0:
			c = netlinkHeader + diagRequestSize
		case 4:
			c = sockDiagByFamily
		case 6:
			c = netlinkDump & 0xff
		case 7:
			c = netlinkDump >> 8
		case 8, 16:
			c = family
		case 17:
			c = tcp
		case 21:
			c = 1 << tcpListen >> 8
		}
		r.add(c)
	}
	if kernel(syscall.SYS_WRITE, uintptr(fd), r.place(), uintptr(r.n), 0, 0, 0) != uintptr(r.n) {
		return false
	}
	for {
		early.length = uint32(len(early.address.b))
		room := len(b.b) - b.n
		got := int(kernel(syscall.SYS_RECVFROM, uintptr(fd), b.place()+uintptr(b.n), uintptr(room),
			syscall.MSG_TRUNC|syscall.MSG_DONTWAIT, early.address.place(), uintptr(unsafe.Pointer(&early.length))))
		from := early.address.b[4] | early.address.b[5] | early.address.b[6] | early.address.b[7]
		if got <= 0 || got > room || from != 0 { // not the kernel
			return false
		}
		begin := b.n
		b.n += got
		if end, ok := areSockets(begin, family); end || !ok {
			return ok
		}
	}
}

// areSockets looks through a datagram, as diagReader.datagram does.
func areSockets(i int, family byte) (end, ok bool) {
	const header = netlinkHeader + 4
	for i < early.sockets.n {
		s := socketAt(i)
		if s == nil || s.sequence != uint32(family) || int(s.size) < header || i+int(s.size) > early.sockets.n {
			return false, false
		}
		switch {
		case s.kind == netlinkDone:
			early.sockets.n = i
			return true, *(*uint32)(unsafe.Pointer(&s.family)) == 0
		case s.kind != sockDiagByFamily || s.size < uint32(unsafe.Sizeof(*s)):
			return false, false
		}
		s.own = 0
		i = s.end()
	}
	return false, true
}

// socketAt returns what begins at a byte of the buffer, unless it has no place for that.
func socketAt(i int) *diagSocket {
	b := &early.sockets
	if i < 0 || i > len(b.b)-int(unsafe.Sizeof(diagSocket{})) {
		return nil
	}
	return (*diagSocket)(unsafe.Add(unsafe.Pointer(&b.b), i))
}

// socketFrom returns the socket at a byte of the buffer, or nil behind the last.
func socketFrom(i int) *diagSocket {
	if i >= early.sockets.n {
		return nil
	}
	return socketAt(i)
}

// end returns where the socket ends in the buffer.
func (s *diagSocket) end() int {
	return int(uintptr(unsafe.Pointer(s))-early.sockets.place()) + int(s.size+3)&^3
}

func (s *diagSocket) port() int { return int(s.local[0])<<8 | int(s.local[1]) }

// isListener reports whether the socket is one that counts: see diagReader.listener.
func (s *diagSocket) isListener() bool {
	return s.state == tcpListen && s.inode != 0 && s.port() != 0 && (s.family == familyIPv4 || s.family == familyIPv6)
}

// isApps reports whether the socket is the app's and can be reached: see reachable.
func (s *diagSocket) isApps() bool {
	linkLocal := s.family == familyIPv6 && s.ip[0] == 0xfe && s.ip[1]&0xc0 == 0x80
	return s.own != 0 && s.isListener() && !linkLocal
}

// isIPv4 reports whether the socket has an address of IPv4, if mapped into IPv6.
func (s *diagSocket) isIPv4() bool {
	return s.family == familyIPv4 || leadingZeros(&s.ip) == 10 && s.ip[10] == 0xff && s.ip[11] == 0xff
}

func leadingZeros(ip *[16]byte) int {
	for k := range ip {
		if ip[k] != 0 {
			return k
		}
	}
	return len(ip)
}

// aim aims at the socket: see reachable.
func (s *diagSocket) aim(a *aim) {
	a.setLoopback(syscall.AF_INET6)
	a.port = s.port()
	zeros := leadingZeros(&s.ip)
	switch {
	case s.isIPv4():
		a.setLoopback(syscall.AF_INET)
		from := 12
		if s.family == familyIPv4 {
			from = 0
		}
		ip := (*uint32)(unsafe.Pointer(&a.ip[12]))
		if theirs := *(*uint32)(unsafe.Pointer(&s.ip[from&12])); theirs != 0 {
			*ip = theirs
		}
	case zeros < 16:
		a.ip = s.ip
	case !hasIPv4Port(a.port):
		a.family = 0
	}
}

func hasIPv4Port(port int) bool {
	for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
		if s.isListener() && s.isIPv4() && s.port() == port {
			return true
		}
	}
	return false
}
