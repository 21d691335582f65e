//go:build linux && !net && (amd64 || arm64)

package main

import (
	"syscall"
	"unsafe"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Most of what a check costs is the start of Go's runtime. So the process begins not
// with that but in a few lines of assembly, which kohealth names to the linker, and
// which call answerEarly. If that is sure that the full probe would call the app
// healthy, the process ends there. Everything else goes on to the runtime as if nothing
// had happened, and the full probe finds out what is wrong, and says so.
//
// Nothing of the runtime exists yet: no heap, no goroutine, no stack that grows, no
// panic that anybody could recover. The functions in the files early_*.go therefore
// allocate nothing, store no pointers, and check bounds by hand. What has to lie in
// memory lies in the variable early. All functions are nosplit, so that the linker
// itself adds up how much stack they need: at most 800 bytes. A test looks into the
// compiled program for anything else.
//
// They are sure or silent. What they do not know (a flag, an odd byte, an error) is the
// full probe's. FuzzEarly holds both against each other.

// enterEarly is where the process begins: early_linux_*.s.
//
//lint:ignore U1000 the linker is told of it
func enterEarly()

// kernel makes a system call. Its result is that of the kernel: an error is a negative
// number.
//
//go:noescape
func kernel(number, a, b, c, d, e, f uintptr) uintptr

// What enterEarly sets up: where the kernel has put arguments and environment (the part
// "Process Initialization" of the System V ABI), and what Go code finds its goroutine by.
var (
	earlyStack  unsafe.Pointer
	earlyThread [2]uintptr  //lint:ignore U1000 for assembly
	earlyG      [64]uintptr //lint:ignore U1000 for assembly
)

// early is the memory of the early part. It holds no pointers. What is small comes first,
// where instructions reach it with one byte.
var early struct {
	next int // byte of the text that is to be read next

	given    int // flags of this list of arguments
	over     int // flags of the list before, which win
	targets  int
	asksHTTP bool
	hasAuto  bool
	timeout  int64 // nanoseconds
	waited   int64 // nanoseconds
	handed   handedOver

	left     int64 // nanoseconds that may be waited
	timeLeft struct{ seconds, nanoseconds int64 }
	poll     struct {
		fd              int32
		events, revents int16
	}
	time    struct{ seconds, microseconds int64 }
	length  uint32   // of an address that the kernel gives
	message struct { // struct msghdr: recvmsg(2)
		name, nameLength, vectors, count, control, controlLength, flags uintptr
		base, length                                                    uintptr // struct iovec
	}
	aim  aim
	stat syscall.Stat_t

	text    buffer // target, or flag with its value, without variables
	lines   buffer // of the file with arguments, ended by zero bytes
	status  buffer // value of the flag -status
	path    buffer // value of the flag -path
	name    buffer // of a file, for the kernel
	address buffer // to connect to
	request buffer
	answer  buffer // of the server or the kernel

	// For auto.
	sockets     buffer
	self        buffer // number of this process
	processes   buffer // names in a directory
	descriptors buffer
	link        buffer // what a link leads to
}

// handedOver is a connection on which a request has been sent, for the full probe to go
// on with: it neither asks a second time nor lacks the time that was waited.
type handedOver struct {
	fd     int // 0 if there is none
	family int
	port   int // 0 for AF_UNIX
}

// answerEarly returns 0 if what the process is asked to check is healthy, and 1 if the
// full probe has to find that out.
//
//lint:ignore U1000 assembly calls it
func answerEarly() uintptr {
	if isTool() || !isUnderstood() {
		return 1
	}
	wait := early.timeout
	if early.targets > 1 {
		wait /= 8 // the full probe checks them side by side, each with all of the time
	}
	early.left = wait
	healthy := scan(true)
	early.waited = wait - early.left
	if !healthy {
		return 1
	}
	return 0
}

// isUnderstood reads the arguments or, if those hold no target, the file that has more.
func isUnderstood() bool {
	early.timeout = int64(probeargs.DefaultTimeout)
	if !scan(false) {
		return false
	}
	if early.targets == 0 {
		early.over, early.given = early.given, 0
		if !readArgsFile() || !scan(false) {
			return false
		}
	}
	flags := early.given | early.over
	switch { // as Command.validate
	case early.targets == 0 || early.targets > 16:
		return false
	case flags&flagPath != 0:
		return early.hasAuto
	}
	return flags&flagStatus == 0 || early.asksHTTP
}

// isTool reports whether the probe may be called by the name of a tool with options of
// its own.
func isTool() bool {
	name := slot(1)
	if name == nil {
		return true
	}
	for charAt(name, 0) != 0 {
		if startsC(name, "curl\x00") || startsC(name, "wget\x00") || startsC(name, ".exe\x00") {
			return true
		}
		name = (*byte)(unsafe.Add(unsafe.Pointer(name), 1))
	}
	return false
}

// waitedEarly returns what the early part has waited for an answer. The full probe does
// not get that time again.
func waitedEarly() probeargs.Duration { return probeargs.Duration(early.waited) }

// takeOver goes on with the connection that the early part has left, if it leads to one
// of the addresses.
func takeOver(addrs []address, deadline instant) (conn, address, bool) {
	h := &early.handed
	for _, a := range addrs {
		family, _ := a.sockaddr()
		if h.fd == 0 || family != h.family || int(a.port) != h.port {
			continue
		}
		c := &rawConn{fd: h.fd, deadline: deadline, asked: true, ahead: early.answer.b[:early.answer.n]}
		h.fd = 0
		return c, a, syscall.SetNonblock(c.fd, false) == nil
	}
	return nil, address{}, false
}
