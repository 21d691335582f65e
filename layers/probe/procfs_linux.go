package main

import (
	"errors"
	"strings"
	"syscall"
	"unsafe"
)

// Limits of what is looked at. An app opens its listening sockets early, so their
// descriptors are among the first.
const (
	maxProcesses   = 10000
	maxDescriptors = 4096 // of each process
)

// A finder looks for the app. What it may not read it leaves out and remembers.
type finder struct {
	proc     string // the file system proc(5)
	dir      string // holds the app's programs
	self     string // the probe's own process, in the numbers of proc
	deadline instant
	hidden   error // the first error
}

// findApp finds the app's processes and what they listen on.
func findApp(proc, dir string, deadline instant) (*app, error) {
	f := &finder{proc: proc, dir: dir, deadline: deadline}
	f.self, _ = readlink(proc + "/self")
	a := &app{}
	pids := f.processes()
	if len(pids) > 0 {
		exe, _ := f.exe(pids[0])
		f.hidden = nil // the other processes do not matter
		a.name = "the app (" + plain(exe) + ", process " + pids[0] + ")"
		listeners := f.listeners()
		for _, pid := range pids {
			f.mark(listeners, pid)
		}
		a.at = reachable(listeners)
	}
	a.hidden = f.hidden
	if f.late() {
		return a, in("looking for the app's ports", errTimeout)
	}
	return a, nil
}

func (f *finder) late() bool { return until(f.deadline) <= 0 }

func (f *finder) failed(what string, err error) {
	if f.hidden == nil && err != nil {
		f.hidden = in("reading "+what, err)
	}
}

// unlessGone drops errors of what may come and go: a process, its descriptors, IPv6.
// The kernel's own threads run no program.
func unlessGone(err error) error {
	if err == syscall.ENOENT || err == syscall.ESRCH {
		return nil
	}
	return err
}

// readlink reads a link below a process.
func (f *finder) readlink(name string) string {
	link, err := readlink(name)
	f.failed(name, unlessGone(err))
	return link
}

// processes returns the app's processes. A process of another mount namespace is
// another container's, which happens to see this one's processes; that of another
// network namespace cannot be reached.
func (f *finder) processes() (pids []string) {
	names, err := readDir(f.proc, maxProcesses)
	first := false
	for _, pid := range names {
		if _, ok := number(pid, 10); !ok || f.late() {
			continue
		}
		first = first || pid == "1"
		if _, ok := f.exe(pid); ok && pid != f.self && f.shares(pid, "mnt") && f.shares(pid, "net") {
			pids = append(pids, pid)
		}
	}
	if err == nil && !first { // the mount option hidepid
		err = errors.New("process 1 does not show")
	}
	f.failed(f.proc, err)
	return pids
}

// exe returns the program of a process if it is one of the app's.
func (f *finder) exe(pid string) (exe string, ok bool) {
	exe = f.readlink(f.proc + "/" + pid + "/exe")
	return strings.TrimSuffix(exe, " (deleted)"), strings.HasPrefix(exe, f.dir)
}

// shares tells whether a process is in the probe's namespace of some kind, as far as
// can be told.
func (f *finder) shares(pid, kind string) bool {
	theirs, err := readlink(f.proc + "/" + pid + "/ns/" + kind)
	ours, err2 := readlink(f.proc + "/self/ns/" + kind)
	return err != nil || err2 != nil || theirs == ours
}

// listeners returns the listening sockets of the network namespace. The file for
// IPv6 is missing where that is switched off.
func (f *finder) listeners() []listener {
	one := uint16(1)
	r := listenerReader{little: *(*byte)(unsafe.Pointer(&one)) == 1}
	for i, name := range []string{f.proc + "/self/net/tcp", f.proc + "/self/net/tcp6"} {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			err = r.readAll(func(p []byte) (int, error) {
				if f.late() {
					return 0, errTimeout
				}
				return syscall.Read(fd, p)
			})
			_ = syscall.Close(fd)
		}
		if i > 0 {
			err = unlessGone(err)
		}
		f.failed(name, err)
	}
	return r.found
}

// mark marks the listeners to which a process has descriptors.
func (f *finder) mark(listeners []listener, pid string) {
	dir := f.proc + "/" + pid + "/fd/"
	names, err := readDir(dir, maxDescriptors)
	f.failed(dir, unlessGone(err))
	for _, fd := range names {
		inode, ok := socketInode(f.readlink(dir + fd))
		left := false
		for i := range listeners {
			l := &listeners[i]
			l.own = l.own || ok && l.inode == inode
			left = left || !l.own
		}
		if !left || f.late() {
			return
		}
	}
}

// socketInode parses what a socket's descriptor links to: proc_pid_fd(5).
func socketInode(link string) (inode int64, ok bool) {
	const begin, end = "socket:[", "]"
	if !strings.HasPrefix(link, begin) || !strings.HasSuffix(link, end) {
		return 0, false
	}
	return number(link[len(begin):len(link)-len(end)], 10)
}

// readDir returns the first names in a directory.
func readDir(dir string, limit int) (names []string, err error) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	buf := make([]byte, 8192)
	for len(names) < limit {
		n, err := syscall.ReadDirent(fd, buf)
		if n <= 0 || err != nil {
			return names, err
		}
		_, _, names = syscall.ParseDirent(buf[:n], limit-len(names), names)
	}
	return names, nil
}

func readlink(name string) (string, error) {
	buf := make([]byte, 4096) // PATH_MAX
	n, err := syscall.Readlink(name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
