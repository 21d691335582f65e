//go:build linux && !net && (amd64 || arm64)

package main

import (
	"syscall"
	"unsafe"
)

// checkAim reports whether a target is healthy for sure.
func checkAim(a *aim) bool {
	switch a.kind {
	case aimAuto:
		return checkAuto(a)
	case aimConnect:
		return a.accepts()
	case aimFile:
		return a.isFresh()
	}
	return a.answers()
}

// accepts reports whether something accepts connections.
func (a *aim) accepts() bool {
	fd := a.dial()
	closeEarly(fd)
	return fd >= 0
}

// answers asks a server, and reports whether what came at once holds a healthy status.
func (a *aim) answers() bool {
	setRequest(a)
	fd := a.dial()
	if fd < 0 || !sendRequest(fd) {
		closeEarly(fd)
		return false
	}
	r := &early.answer
	r.n = 0
	if isReady(fd, pollIn, early.left) {
		r.read(fd, 0)
	}
	healthy, _ := judgeStatus(readStatus())
	if !healthy && r.n >= 0 && early.targets == 1 && fd > 2 { // somebody may write to stdout
		early.handed.fd, early.handed.family, early.handed.port = fd, a.family, a.port
		return false
	}
	for i := 0; healthy && r.n == len(r.b) && i < 16; i++ { // as rawConn.drain
		r.read(fd, 0)
	}
	closeEarly(fd)
	return healthy
}

// setRequest makes the request: see check.request.
func setRequest(a *aim) {
	r := &early.request
	r.n = 0
	r.addString("GET ")
	if early.text.at(a.path) != '/' {
		r.add('/')
	}
	r.addText(a.path, early.text.n)
	r.addString(" HTTP/1.1\r\nHost: ")
	if a.port == 0 || early.text.at(a.from) == ':' {
		r.addString("localhost")
	}
	if a.port > 0 {
		r.addText(a.from, a.to)
	}
	r.addString("\r\nUser-Agent: kohealth\r\nAccept: */*\r\nConnection: close\r\n\r\n")
}

// readStatus returns the status of the answer, or -1 if no status line has come: see
// parseStatusLine.
func readStatus() (status int) {
	const version = len(protocol)
	r, i := &early.answer, version+5
	if r.at(i) == ' ' {
		for r.at(i) != '\n' && i < r.n {
			i++
		}
	} else if r.at(i) == '\r' {
		i++
	}
	if !r.starts(0, protocol) || r.at(version) < '0' || r.at(version) > '9' || r.at(version+1) != ' ' || r.at(i) != '\n' {
		return -1
	}
	return r.number(version + 2)
}

// judgeStatus reports whether a status is healthy, as Command.Healthy does, and whether
// the value of the flag -status has the form that setStatus wants.
func judgeStatus(status int) (healthy, ok bool) {
	s := &early.status
	if s.n == 0 {
		return status >= 200 && status <= 399, true
	}
	for i := 0; ; i++ {
		from := s.number(i)
		to := from
		if i += 3; s.at(i) == '-' {
			to = s.number(i + 1)
			i += 4
		}
		if from < 200 || to < from || to > 599 {
			return false, false
		}
		healthy = healthy || from <= status && status <= to
		if c := s.at(i); c != ',' {
			return healthy, c == 0
		}
	}
}

// isFresh reports whether a file exists and was modified lately: see check.file.
func (a *aim) isFresh() bool {
	if !areMountsLocal() {
		return false
	}
	n := &early.name
	n.n = 0
	n.addText(a.from, a.to)
	n.add(0)
	if !n.fits() || kernel(sysStatAt, here, n.place(), uintptr(unsafe.Pointer(&early.stat)), 0, 0, 0) != 0 {
		return false
	}
	if a.maxAge == 0 {
		return true
	}
	if kernel(syscall.SYS_GETTIMEOFDAY, uintptr(unsafe.Pointer(&early.time)), 0, 0, 0, 0, 0) != 0 {
		return false
	}
	age := early.time.seconds*1e9 + early.time.microseconds*1e3 - early.stat.Mtim.Sec*1e9 - early.stat.Mtim.Nsec
	return -a.maxAge <= age && age <= a.maxAge
}
