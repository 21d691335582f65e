package main

import (
	"syscall"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

// wallTime is the time of day, in nanoseconds of Unix time.
func wallTime() int64 {
	var tv syscall.Timeval
	_ = syscall.Gettimeofday(&tv)
	return tv.Nano()
}

// sleep blocks a thread. Being woken early by a signal does not matter here.
func sleep(d cmdline.Duration) {
	if d > 0 {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil)
	}
}

// writeStderr does not use os.Stderr, which ends the process by SIGPIPE when nobody
// reads.
func writeStderr(s string) { _, _ = syscall.Write(2, []byte(s)) }

func writeStdout(s string) { _, _ = syscall.Write(1, []byte(s)) }

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
	if left > 100*cmdline.Millisecond {
		left -= left / 8
	}
	tv := syscall.NsecToTimeval(int64(left) + 999) // rounded up, since 0 means for ever
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, &tv)
}
