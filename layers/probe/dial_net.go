//go:build !linux || net

package main

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// A netConn is a connection of package net, for systems whose system calls
// dial_linux.go does not know. The build tag net chooses it on Linux, for tests.
type netConn struct {
	net.Conn
	deadline instant
}

// connect connects until the first deadline. The connection then has the second.
func connect(a address, connectBy, deadline instant) (conn, error) {
	dialer := net.Dialer{Deadline: wall(connectBy)}
	c, err := dialer.Dial(a.network, a.name)
	if err != nil {
		return nil, cause(err)
	}
	return &netConn{c, deadline}, nil
}

func (c *netConn) read(p []byte) (int, error) {
	_ = c.SetReadDeadline(wall(c.deadline))
	n, err := c.Read(p)
	return n, cause(err)
}

func (c *netConn) write(p []byte) error {
	_ = c.SetWriteDeadline(wall(c.deadline))
	_, err := c.Write(p)
	return cause(err)
}

// wall returns an instant in the form that package net takes.
func wall(i instant) time.Time { return time.Now().Add(time.Duration(until(i))) }

// cause returns what lies at the bottom of an error of package net, in the words
// that the probe has for it.
func cause(err error) error {
	var timeout net.Error
	switch {
	case err == io.EOF:
		return errClosed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errTimeout
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return named(err)
}

// named gives errors of Windows the names that they have elsewhere. Windows itself says
// them in a sentence, and in its own language.
func named(err error) error {
	code, ok := err.(syscall.Errno)
	switch {
	case runtime.GOOS != "windows" || !ok:
		return err
	case code == 10061: // WSAECONNREFUSED
		return syscall.ECONNREFUSED
	case code == 10053 || code == 10054: // WSAECONNABORTED, WSAECONNRESET
		return syscall.ECONNRESET
	case code.Is(fs.ErrNotExist):
		return errors.New("no such file or directory")
	case code.Is(fs.ErrPermission):
		return errors.New("permission denied")
	}
	return errors.New(probeargs.TrimSuffix(code.Error(), "."))
}

func (c *netConn) hurry() { c.deadline = hurried(c.deadline) }

// drain cannot help waiting: package net reads nothing after the deadline.
func (c *netConn) drain() {
	var p [4096]byte
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	for i := 0; i < 16; i++ {
		if _, err := c.Read(p[:]); err != nil {
			return
		}
	}
}

func (c *netConn) close() { _ = c.Close() }
