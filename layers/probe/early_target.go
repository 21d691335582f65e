//go:build linux && !net && (amd64 || arm64)

package main

import "syscall"

// Kinds of aims.
const (
	aimAuto = iota + 1
	aimConnect
	aimHTTP
	aimFile
)

// An aim is a target that has been read. Names and paths are parts of the text.
type aim struct {
	kind     int
	family   int // 0 is 127.0.0.1 and then ::1
	ip       [16]byte
	port     int
	from, to int   // of host and port, or of the name of a socket or file, or of the ports of auto
	path     int   // where the request path begins
	maxAge   int64 // nanoseconds; 0 means any age
}

// readTarget reads the text as a target, and checks that if told so.
func readTarget(check bool) bool {
	if !readAim() || char() != 0 {
		return false
	}
	a := &early.aim
	if check {
		return checkAim(a)
	}
	early.targets++
	early.hasAuto = early.hasAuto || a.kind == aimAuto
	early.asksHTTP = early.asksHTTP || a.kind == aimHTTP
	return true
}

func readAim() bool {
	a := &early.aim
	a.kind, a.family, a.port, a.maxAge = aimConnect, 0, 0, 0
	switch {
	case skip("tcp://"):
		return a.readAuthority()
	case skip("unix://"):
		return a.readSocket()
	case skip("http://"):
		return a.readAuthority() && a.readPath()
	case skip("http+unix://"):
		return a.readSocket() && skip(":") && a.readPath()
	case skip("file://"):
		return a.readFile()
	}
	a.kind = aimAuto
	return skip("auto") && a.readPorts()
}

// readPorts reads the ports that auto names: see probeargs.Target.
func (a *aim) readPorts() bool {
	a.from = early.next
	for n := 0; char() != 0; n++ {
		separated := n == 0 && skip(":") || n > 0 && skip(",")
		if !separated || readNumber(65535) <= 0 {
			return false
		}
	}
	return true
}

// readPath reads a request path, up to the end.
func (a *aim) readPath() bool {
	a.kind, a.path = aimHTTP, early.next
	c := char()
	early.next = early.text.n
	return c == '/' || c == '?' || c == 0
}

// readAuthority reads host and port. A host that has other forms is the full probe's.
func (a *aim) readAuthority() bool {
	a.from = early.next
	switch {
	case char() == ':', skip("localhost"):
	case skip("[::1]"):
		a.setLoopback(syscall.AF_INET6)
	default:
		a.setLoopback(syscall.AF_INET)
		for i := 12; i < 16; i++ {
			n := readNumber(255)
			if n < 0 || i == 12 && n != 127 || i < 15 && !skip(".") {
				return false
			}
			a.ip[i&15] = byte(n)
		}
	}
	if !skip(":") {
		return false
	}
	a.port = readNumber(65535)
	a.to = early.next
	return a.port > 0
}

// setLoopback aims at the loopback interface: 127.0.0.1, or ::1.
func (a *aim) setLoopback(family int) {
	a.family = family
	for i := range a.ip {
		a.ip[i] = 0
	}
	a.ip[15] = 1
	if family == syscall.AF_INET {
		a.ip[12] = 127
	}
}

// readSocket reads the name of a socket: see setSocket.
func (a *aim) readSocket() bool {
	a.family, a.from = syscall.AF_UNIX, early.next
	if first := char(); first != '/' && first != '@' {
		return false
	}
	for {
		switch char() {
		case ':', 0:
			a.to = early.next
			return a.to-a.from >= 2 && a.to-a.from <= 107
		case '?', '%':
			return false
		}
		early.next++
	}
}

func (a *aim) readFile() bool {
	a.kind, a.from = aimFile, early.next
	if char() != '/' {
		return false
	}
	for char() != 0 && char() != '?' {
		early.next++
	}
	if a.to = early.next; char() == 0 {
		return true
	}
	if !skip("?max_age=") {
		return false
	}
	a.maxAge = readDuration()
	return a.maxAge > 0
}

// readDuration reads a duration such as 1m2.5s, in nanoseconds, or returns -1.
func readDuration() (sum int64) {
	for char() != 0 {
		whole := readNumber(1e8)
		point := early.next
		for c := char(); c == '.' && early.next == point || c >= '0' && c <= '9'; c = char() {
			early.next++
		}
		end := early.next
		unit := readUnit()
		if whole < 0 || unit == 0 || int64(whole) > 366*24*3600e9/unit {
			return -1
		}
		sum += int64(whole) * unit
		for i := point + 1; i < end; i++ {
			unit /= 10
			sum += int64(early.text.at(i)-'0') * unit
		}
		if sum > 366*24*3600e9 {
			return -1
		}
	}
	return sum
}

func readUnit() int64 {
	switch {
	case skip("ns"):
		return 1
	case skip("us"):
		return 1e3
	case skip("ms"):
		return 1e6
	case skip("s"):
		return 1e9
	case skip("m"):
		return 60e9
	case skip("h"):
		return 3600e9
	}
	return 0
}
