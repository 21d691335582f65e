//go:build linux && !net && (amd64 || arm64)

package main

import (
	"syscall"
	"unsafe"
)

// here is AT_FDCWD, openat(2).
const here = ^uintptr(99)

// openEarly opens the file that the name buffer names, and returns its descriptor or a
// negative number.
func openEarly(flags uintptr) int {
	return int(kernel(syscall.SYS_OPENAT, here, early.name.place(), flags|syscall.O_CLOEXEC, 0, 0, 0))
}

func closeEarly(fd int) {
	if fd >= 0 {
		kernel(syscall.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0, 0)
	}
}

func (b *buffer) place() uintptr { return uintptr(unsafe.Pointer(&b.b)) }

// read reads once, into the buffer from a byte on, and returns how many bytes came.
func (b *buffer) read(fd, from int) int {
	n := int(kernel(syscall.SYS_READ, uintptr(fd), b.place()+uintptr(from), uintptr(len(b.b)-from), 0, 0, 0))
	b.n = from + n
	return n
}

// readFile makes a file the content of a buffer. It returns false if there is none that
// fits.
func (b *buffer) readFile(name string) bool {
	early.name.set(name)
	fd := openEarly(syscall.O_RDONLY | syscall.O_NONBLOCK)
	b.n = 0
	if fd < 0 {
		return false
	}
	n := 1
	for n > 0 {
		n = b.read(fd, b.n)
	}
	closeEarly(fd)
	return n == 0 && b.n > 0 && b.n < len(b.b)
}

// dial connects, and returns the descriptor or a negative number. The aim's family is then
// the one that has accepted.
func (a *aim) dial() int {
	if a.family != 0 {
		return a.connect()
	}
	a.setLoopback(syscall.AF_INET)
	fd := a.connect()
	if fd == -int(syscall.ECONNREFUSED) {
		a.setLoopback(syscall.AF_INET6)
		fd = a.connect()
	}
	return fd
}

func (a *aim) connect() int {
	a.setAddress()
	fd := int(kernel(syscall.SYS_SOCKET, uintptr(a.family), syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0, 0, 0, 0))
	if fd < 0 {
		return fd
	}
	err := connectEarly(fd)
	if err == -int(syscall.EINPROGRESS) {
		err = connectEarly(fd) // loopback has answered meanwhile
	}
	if err == -int(syscall.EALREADY) && isReady(fd, pollOut, early.left/8) { // or not, without CPU time
		err = connectEarly(fd)
	}
	if err == 0 && isConnectedToItself(a, fd) {
		err = -1
	}
	if err != 0 {
		closeEarly(fd)
		return err
	}
	return fd
}

func connectEarly(fd int) int {
	return int(kernel(syscall.SYS_CONNECT, uintptr(fd), early.address.place(), uintptr(early.address.n), 0, 0, 0))
}

// setAddress makes what connect(2) wants: ip(7), ipv6(7), unix(7). Both processors are
// little-endian.
func (a *aim) setAddress() {
	b, from, to := &early.address, 12, 24 // zeros behind
	b.n = 0
	b.add(byte(a.family))
	b.add(0)
	switch a.family {
	case syscall.AF_UNIX: // a path with a zero byte behind it, or one before an abstract name
		abstract := early.text.at(a.from) == '@'
		if abstract {
			b.add(0)
			a.from++
		}
		b.addText(a.from, a.to)
		if !abstract {
			b.add(0)
		}
		return
	case syscall.AF_INET6:
		from, to = -4, 20 // the flow before, the scope behind
	}
	b.add(byte(a.port >> 8))
	b.add(byte(a.port))
	for i := from; i < to; i++ {
		c := byte(0)
		if uint(i) < uint(len(a.ip)) {
			c = a.ip[i]
		}
		b.add(c)
	}
}

// isConnectedToItself reports whether both ends may be one: see rawConn.isSelf. Here the
// port is enough for being unsure.
func isConnectedToItself(a *aim, fd int) bool {
	if a.family == syscall.AF_UNIX {
		return false
	}
	own := &early.answer
	early.length = uint32(len(own.b))
	err := kernel(syscall.SYS_GETSOCKNAME, uintptr(fd), own.place(), uintptr(unsafe.Pointer(&early.length)), 0, 0, 0)
	return err != 0 || int(own.b[2])<<8|int(own.b[3]) == a.port
}

// sendRequest sends the request.
func sendRequest(fd int) bool {
	m, r := &early.message, &early.request
	m.base, m.length = r.place(), uintptr(r.n)
	m.vectors, m.count = uintptr(unsafe.Pointer(&m.base)), 1
	return r.fits() && kernel(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(m)), syscall.MSG_NOSIGNAL, 0, 0, 0) == m.length
}

// What is waited for: poll(2).
const (
	pollIn  = 1
	pollOut = 4
)

// isReady waits until something can be read or written, and not longer than limit, in
// nanoseconds. The kernel takes what was waited from that.
func isReady(fd int, events int16, limit int64) bool {
	p, t := &early.poll, &early.timeLeft
	p.fd, p.events = int32(fd), events
	t.seconds, t.nanoseconds = limit/1e9, limit%1e9
	n := kernel(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(p)), 1, uintptr(unsafe.Pointer(t)), 0, 0, 0)
	early.left -= limit - t.seconds*1e9 - t.nanoseconds
	return n == 1
}

// localTypes are file systems that need nobody else.
const localTypes = " overlay tmpfs proc sysfs devpts mqueue cgroup cgroup2 devtmpfs ext2 ext3 ext4 xfs btrfs squashfs" +
	" ramfs rootfs nsfs securityfs debugfs tracefs pstore bpf hugetlbfs configfs "

// areMountsLocal reports whether no file system can keep whoever looks at it waiting, as
// one whose server is gone does. The full probe has a thread for that.
func areMountsLocal() bool {
	mounts := &early.answer
	if !mounts.readFile("/proc/self/mountinfo") {
		return false
	}
	for i := 0; i < mounts.n; i++ {
		// The type stands behind a hyphen: proc_pid_mountinfo(5).
		if mounts.starts(i, " - ") && !mounts.hasOneOf(i+2, localTypes) {
			return false
		}
	}
	return true
}

// hasOneOf reports whether the word behind the space at i is one of those in words, which
// have spaces around them.
func (b *buffer) hasOneOf(i int, words string) bool {
	from := i // where a word of words would begin, were it this one
	for n := 0; n < len(words); n++ {
		switch c := words[n]; {
		case c == ' ' && i > from && b.at(i) == ' ':
			return true
		case c == ' ':
			i = from + 1
		case i > from && c == b.at(i):
			i++
		default:
			i = from
		}
	}
	return false
}

// readLink reads what the link leads to that the name buffer names, and returns its
// length.
func (b *buffer) readLink() int {
	b.n = int(kernel(syscall.SYS_READLINKAT, here, early.name.place(), b.place(), uintptr(len(b.b)), 0, 0))
	return b.n
}

// nameAt is where a name stands in the entry of a directory: getdents(2).
const nameAt = 19

// readNames reads more entries of a directory, and returns how many bytes came.
func (b *buffer) readNames(dir int) int {
	b.n = int(kernel(syscall.SYS_GETDENTS64, uintptr(dir), b.place(), uintptr(len(b.b)), 0, 0, 0))
	return b.n
}

// nameSize returns how long the entry at i is.
func (b *buffer) nameSize(i int) int {
	return max(int(b.at(i+16))|int(b.at(i+17))<<8, nameAt)
}

// addName adds the name that begins at i of another buffer.
func (b *buffer) addName(of *buffer, i int) {
	for ; of.at(i) != 0; i++ {
		b.add(of.at(i))
	}
}

// isNamed reports whether the buffer is the same as the name that begins at i of another.
func (b *buffer) isNamed(of *buffer, i int) bool {
	for k := 0; k < b.n; k++ {
		if b.at(k) != of.at(i+k) {
			return false
		}
	}
	return of.at(i+b.n) == 0
}
