package main

import (
	"errors"
	"syscall"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Limits of what is looked at. An app opens its listening sockets early, so their
// descriptors are among the first.
const (
	maxProcesses   = 10000
	maxDescriptors = 4096 // of each process, if those are enough
)

// A finder looks for the app. What it may not read it leaves out and remembers.
type finder struct {
	proc     string // the file system proc(5)
	deadline instant
	ask      func(deadline instant) (found []listener, ok bool) // nil if only proc is to be read
	pids     []string                                           // the app's processes
	exe      string                                             // what the first of them runs
	hidden   error                                              // the first error
}

// findApp finds the app's processes and what they listen on, some ports above all: many
// descriptors are looked at only if one of these, or any port, is not found else.
func findApp(proc, dir, ports string, deadline instant) (*app, error) {
	f := &finder{proc: proc, deadline: deadline}
	if proc == procDir {
		f.ask = askListeners
	}
	f.find(dir)
	a := &app{}
	if len(f.pids) > 0 {
		f.hidden = nil // the other processes do not matter
		a.name = "the app (" + plain(f.exe) + ", process " + f.pids[0] + ")"
		listeners := f.listeners()
		for limit := maxDescriptors; ; limit = 1 << 30 {
			for _, pid := range f.pids {
				f.mark(listeners, proc+"/"+pid+"/fd/", limit)
			}
			if a.at = reachable(listeners); limit > maxDescriptors || a.lacks(ports, dir) == nil {
				break
			}
		}
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

// find finds the app's processes. A process of another mount namespace is another
// container's, which happens to see this one's processes; that of another network
// namespace cannot be reached.
func (f *finder) find(dir string) {
	self, _ := readlink(f.proc + "/self")
	names, err := readDir(f.proc, maxProcesses)
	first := false
	for _, pid := range names {
		first = first || pid == "1"
		process := f.proc + "/" + pid
		if _, ok := number(pid, 10); !ok || pid == self || f.late() {
			continue
		}
		exe := f.program(process)
		if !probeargs.HasPrefix(exe, dir) || !f.shares(process, "/ns/mnt") || !f.shares(process, "/ns/net") {
			continue
		}
		if f.pids = append(f.pids, pid); len(f.pids) == 1 {
			f.exe = exe
		}
	}
	if err == nil && !first { // the mount option hidepid
		err = errors.New("process 1 does not show")
	}
	f.failed(f.proc, err)
}

// program returns the program that a process runs. If that is a translator for
// programs of another architecture, it is what the kernel has handed to that as its
// first argument: Documentation/admin-guide/binfmt-misc.rst.
func (f *finder) program(process string) string {
	exe := probeargs.TrimSuffix(f.readlink(process+"/exe"), " (deleted)")
	if probeargs.Contains(exe, "/qemu-") || probeargs.HasSuffix(exe, "/rosetta") {
		args, _ := readFile(process + "/cmdline")
		_, args, _ = probeargs.Cut(args, "\x00")
		exe, _, _ = probeargs.Cut(args, "\x00")
	}
	return exe
}

// shares reports whether a process is in the probe's namespace of some kind, as far as
// can be told.
func (f *finder) shares(process, kind string) bool {
	theirs, err := readlink(process + kind)
	ours, err2 := readlink(f.proc + "/self" + kind)
	return err != nil || err2 != nil || theirs == ours
}

// listeners returns the listening sockets of the network namespace. An app without
// any is not healthy, so that an answer without any is worth a second look.
func (f *finder) listeners() []listener {
	if f.ask != nil {
		if found, ok := f.ask(f.deadline); ok && len(found) > 0 {
			return found
		}
	}
	return f.readListeners()
}

// readListeners reads them from files. That for IPv6 is missing where it is switched
// off.
func (f *finder) readListeners() []listener {
	r := listenerReader{little: littleEndian()}
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

// mark marks the listeners to which a process has descriptors, in the directory dir.
func (f *finder) mark(listeners []listener, dir string, limit int) {
	names, err := readDir(dir, limit)
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
	if !probeargs.HasPrefix(link, begin) || !probeargs.HasSuffix(link, end) {
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
	buf := make([]byte, 8192)
	for n := 1; n > 0 && len(names) < limit; {
		n, err = syscall.ReadDirent(fd, buf) // -1 with an error
		_, _, names = syscall.ParseDirent(buf[:max(n, 0)], limit-len(names), names)
	}
	_ = syscall.Close(fd)
	return names, err
}

func readlink(name string) (string, error) {
	buf := make([]byte, 4096) // PATH_MAX
	n, err := syscall.Readlink(name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
