package main

import (
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// writeLog writes to the stderr of process 1, which is what the container's runtime
// logs. Where that is not allowed, it does nothing: runtimes give stderr to the
// container's user, but an app that has changed its user, or a security module, may
// forbid it.
func writeLog(s string) {
	if syscall.Getpid() != 1 { // else stderr is the log
		appendTo("/proc/1", s)
	}
}

// appendTo writes s to the stderr of a process, below /proc, whole or not at all if it
// is no longer than PIPE_BUF. The process chooses what its stderr is, and part of what s
// says, but the probe may have rights that the process has not. So it writes only where
// the process itself could have written, and only to what a log can be. The flags
// keep a log that nobody reads from blocking the probe, a log that is a file from
// being overwritten, and a log that is a terminal from becoming the probe's own.
func appendTo(process, s string) {
	const onlyPath = 0x200000 // O_PATH: nothing is opened yet, which devices would notice
	const flags = syscall.O_WRONLY | syscall.O_APPEND | syscall.O_NONBLOCK | syscall.O_NOCTTY
	path, err := syscall.Open(process+"/fd/2", onlyPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(path)
	if !writable(process+"/fdinfo/2", path) {
		return
	}
	fd, err := syscall.Open("/proc/self/fd/"+strconv.Itoa(path), flags|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if isLog(fd) {
		_, _ = syscall.Write(fd, []byte(s))
	}
	_ = syscall.Close(fd)
}

// writable reports whether the process that info describes a descriptor of has opened
// the same file as fd for writing: proc_pid_fdinfo(5). The process may have put another
// file in its place meanwhile. Linux before 5.14 does not tell files of one file system
// apart here; pipes all the same, since a process that swaps those harms only itself.
func writable(info string, fd int) bool {
	theirs, err := readFile(info)
	ours, err2 := readFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil || err2 != nil {
		return false
	}
	flags, ok := number(valueIn(theirs, "flags:"), 8)
	access, ino := flags&syscall.O_ACCMODE, valueIn(theirs, "ino:")
	return ok && (access == syscall.O_WRONLY || access == syscall.O_RDWR) &&
		valueIn(theirs, "mnt_id:") == valueIn(ours, "mnt_id:") && ino == valueIn(ours, "ino:") &&
		(ino != "" || kind(fd) != syscall.S_IFREG)
}

// valueIn returns the value of a line of text that begins with name, or "".
func valueIn(text, name string) string {
	for text != "" {
		var line string
		if line, text, _ = probeargs.Cut(text, "\n"); probeargs.HasPrefix(line, name) {
			return probeargs.Trim(line[len(name):])
		}
	}
	return ""
}

// isLog reports whether an open file is a pipe, a file on a disk or a terminal. Writing
// to any other device does who knows what.
func isLog(fd int) bool {
	switch kind(fd) {
	case syscall.S_IFIFO, syscall.S_IFREG:
		return true
	case syscall.S_IFCHR:
		var settings syscall.Termios
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
		return errno == 0
	}
	return false
}

// kind returns the kind of an open file, S_IFREG and so on, or 0.
func kind(fd int) uint32 {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0
	}
	return st.Mode & syscall.S_IFMT
}
