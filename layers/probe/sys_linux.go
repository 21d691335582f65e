package main

import (
	"syscall"
	"unsafe"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// wallTime is the time of day, in nanoseconds of Unix time.
func wallTime() int64 {
	var tv syscall.Timeval
	_ = syscall.Gettimeofday(&tv)
	return tv.Nano()
}

// sleep blocks a thread. Being woken early by a signal does not matter here.
func sleep(d probeargs.Duration) {
	if d > 0 {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil)
	}
}

// writeStderr does not use os.Stderr, which ends the process by SIGPIPE when nobody
// reads.
func writeStderr(s string) { writeTo(2, s) }

func writeStdout(s string) { writeTo(1, s) }

// writeTo writes a piece whenever there is room for it. A limit of time for all of it
// would lose words where there is little CPU, which is when checks fail.
func writeTo(fd int, s string) {
	for s != "" && hasRoom(fd) {
		n, err := syscall.Write(fd, []byte(s[:min(len(s), pipeBuf)]))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return
		default:
			s = s[n:]
		}
	}
}

// hasRoom waits until a write of PIPE_BUF bytes does not block, poll(2), and says
// whether it would not. The kernel takes from the time what was waited when a signal
// interrupts it.
func hasRoom(fd int) bool {
	const pollOut = 4
	poll := struct {
		fd              int32
		events, revents int16
	}{int32(fd), pollOut, 0}
	left := syscall.NsecToTimespec(int64(patience))
	for {
		ready, _, errno := syscall.Syscall6(syscall.SYS_PPOLL,
			uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&left)), 0, 0, 0)
		switch errno {
		case 0:
			return ready > 0
		case syscall.EINTR:
		default:
			return true // not allowed to ask
		}
	}
}

// readFile returns the content of a file of less than 64 KiB. A FIFO does not hold it
// up.
func readFile(name string) (string, error) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer syscall.Close(fd)
	data := make([]byte, 64<<10)
	for read := 0; read < len(data); {
		n, err := syscall.Read(fd, data[read:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return "", err
		case n == 0:
			return string(data[:read]), nil
		default:
			read += n
		}
	}
	return "", errTooLong
}

// modTime returns when a file was modified, in nanoseconds of Unix time.
func modTime(name string) (int64, error) {
	var st syscall.Stat_t
	for {
		switch err := syscall.Stat(name, &st); err {
		case nil:
			return st.Mtim.Nano(), nil
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}

// arm gives the next system call on a socket the time that is left, or most of it: the
// kernel's timers of longer waits are late by up to an eighth (kernel/time/timer.c), by
// more than kohealth leaves between the probe's timeout and the check's. A call that
// fails with EAGAIN is therefore made again, until arm says errTimeout.
func arm(fd, option int, deadline instant) error {
	left := until(deadline)
	if left <= 0 {
		return errTimeout
	}
	if left > 100*probeargs.Millisecond {
		left -= left / 8
	}
	tv := syscall.NsecToTimeval(int64(left) + 999) // rounded up, since 0 means for ever
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, &tv)
}
