//go:build linux && !net

package main

import "syscall"

// A rawConn is a blocking socket. The kernel ends its waits: each system call is
// given what is left of the time by SO_RCVTIMEO and SO_SNDTIMEO, socket(7).
type rawConn struct {
	fd       int
	deadline instant
	asked    bool   // what is to be written first has been sent: see takeOver
	ahead    []byte // what has been read already
}

// connect connects until the first deadline. The connection then has the second.
func connect(a address, connectBy, deadline instant) (conn, error) {
	family, sa := a.sockaddr()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &rawConn{fd: fd, deadline: connectBy}
	if err := c.connect(sa); err != nil {
		c.close()
		return nil, err
	}
	c.deadline = deadline
	if family == syscall.AF_UNIX {
		return c, nil
	}
	if c.isSelf(sa) {
		c.close()
		return nil, syscall.ECONNREFUSED
	}
	// Without it a second write waits for the other side's delayed ACK, 40 ms.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	return c, nil
}

func (a address) sockaddr() (family int, sa syscall.Sockaddr) {
	switch a.network {
	case "tcp4":
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(a.port), Addr: [4]byte(a.ip[12:])}
	case "tcp6":
		return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(a.port), Addr: a.ip}
	}
	return syscall.AF_UNIX, &syscall.SockaddrUnix{Name: a.name}
}

// connect waits again after a signal and while time is left; the kernel goes on
// connecting meanwhile and answers EISCONN if it has got there: connect(2).
func (c *rawConn) connect(sa syscall.Sockaddr) error {
	for {
		if err := c.arm(syscall.SO_SNDTIMEO); err != nil {
			return err
		}
		switch err := syscall.Connect(c.fd, sa); err {
		case nil, syscall.EISCONN:
			return nil
		case syscall.EINTR, syscall.EAGAIN, syscall.EINPROGRESS, syscall.EALREADY:
		default:
			return err
		}
	}
}

// isSelf reports whether the socket is connected to itself. The kernel does that when
// nothing listens on a port and happens to pick the same one for this end, which
// would make a dead app healthy once in some 28000 checks.
func (c *rawConn) isSelf(sa syscall.Sockaddr) bool {
	local, err := syscall.Getsockname(c.fd)
	if err != nil {
		return false
	}
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		l, ok := local.(*syscall.SockaddrInet4)
		return ok && l.Port == sa.Port && l.Addr == sa.Addr
	case *syscall.SockaddrInet6:
		l, ok := local.(*syscall.SockaddrInet6)
		return ok && l.Port == sa.Port && l.Addr == sa.Addr
	}
	return false
}

func (c *rawConn) arm(option int) error { return arm(c.fd, option, c.deadline) }

func (c *rawConn) read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	for {
		if err := c.arm(syscall.SO_RCVTIMEO); err != nil {
			return 0, err
		}
		switch n, err := syscall.Read(c.fd, p); {
		case err == syscall.EINTR || err == syscall.EAGAIN:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, errClosed
		default:
			return n, nil
		}
	}
}

func (c *rawConn) write(p []byte) error {
	if c.asked {
		c.asked = false
		return nil
	}
	for len(p) > 0 {
		if err := c.arm(syscall.SO_SNDTIMEO); err != nil {
			return err
		}
		switch n, err := syscall.SendmsgN(c.fd, p, nil, nil, syscall.MSG_NOSIGNAL); {
		case err == syscall.EINTR || err == syscall.EAGAIN:
		case err != nil:
			return err
		default:
			p = p[n:]
		}
	}
	return nil
}

func (c *rawConn) hurry() { c.deadline = hurried(c.deadline) }

func (c *rawConn) drain() {
	var p [4096]byte
	_ = syscall.SetNonblock(c.fd, true)
	for i := 0; i < 16; i++ {
		if n, err := syscall.Read(c.fd, p[:]); n <= 0 || err != nil {
			return
		}
	}
}

func (c *rawConn) close() { _ = syscall.Close(c.fd) }
