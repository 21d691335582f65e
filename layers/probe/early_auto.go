//go:build linux && !net && (amd64 || arm64)

package main

import "syscall"

// checkAuto is check.auto: it reports whether the app listens on the ports that are named,
// and the kernel says that it accepts connections wherever it listens or, with a path,
// whether it gives a healthy answer. Whatever is out of the ordinary it leaves to that.
func checkAuto(a *aim) bool {
	if !askForSockets() || !markApp() {
		return false
	}
	asked := 0 // port; 0 is the lowest
	for early.next = a.from; char() != 0; {
		early.next++
		port := readNumber(65535)
		if firstSocket(port) == nil {
			return false
		}
		if asked == 0 {
			asked = port
		}
	}
	first := firstSocket(asked)
	switch {
	case first == nil:
		return false
	case (early.given|early.over)&flagPath != 0:
		first.aim(a)
		return writeTarget(a) && readAim() && a.answers()
	}
	for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
		if s.isApps() && s.waiting > s.limit { // see diagReader.listener
			return false
		}
	}
	return true
}

// firstSocket returns the app's first socket with a port, or if that is 0 with the lowest.
func firstSocket(port int) (first *diagSocket) {
	for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
		if s.isApps() && (port == 0 || s.port() == port) && (first == nil || s.port() < first.port()) {
			first = s
		}
	}
	return first
}

// writeTarget makes an aim at this machine, with the path of the flag -path, the text.
func writeTarget(a *aim) bool {
	t := &early.text
	t.n, early.next = 0, 0
	t.addString("http://")
	switch a.family {
	case syscall.AF_INET:
		for i := 12; i < 16; i++ {
			t.addNumber(int(a.ip[i]))
			if i < 15 {
				t.add('.')
			}
		}
	case syscall.AF_INET6:
		if leadingZeros(&a.ip) != 15 {
			return false
		}
		t.addString("[::1]")
	}
	t.add(':')
	t.addNumber(a.port)
	for i := 0; i < early.path.n; i++ {
		t.add(early.path.at(i))
	}
	return t.fits()
}

// markApp marks the sockets of the processes that run the app: see finder.find.
func markApp() bool {
	early.name.set("/proc")
	dir := openEarly(syscall.O_RDONLY | syscall.O_DIRECTORY)
	setProcName(-1, "")
	ok := dir >= 0 && early.self.readLink() > 0
	names := &early.processes
	for seen := 0; ok && names.readNames(dir) > 0; {
		for i := 0; ok && i < names.n; i += names.nameSize(i) {
			c := names.at(i + nameAt)
			if c >= '0' && c <= '9' && !early.self.isNamed(names, i+nameAt) {
				ok = markProcess(i + nameAt)
			}
			if seen++; seen >= maxProcesses {
				ok = false
			}
		}
	}
	closeEarly(dir)
	return ok && names.n == 0
}

// markProcess marks the sockets of the process whose number stands at i, if it runs the
// app. It returns false if that cannot be told.
func markProcess(i int) bool {
	setProcName(i, "/exe")
	link := &early.link
	link.readLink()
	for k := 0; k < link.n; k++ {
		if link.starts(k, "/qemu-") || link.starts(k, "/rosetta") { // a translator
			return false
		}
	}
	if !link.starts(0, appDir) || !shares(i, "/ns/mnt") || !shares(i, "/ns/net") {
		return true
	}
	setProcName(i, "/fd/")
	dir := openEarly(syscall.O_RDONLY | syscall.O_DIRECTORY)
	if dir < 0 {
		return false
	}
	seen, names := 0, &early.descriptors
	for names.readNames(dir) > 0 && seen < maxDescriptors {
		for k := 0; k < names.n; k += names.nameSize(k) {
			markDescriptor(i, k+nameAt)
			seen++
		}
	}
	closeEarly(dir)
	return names.n == 0
}

// shares reports whether a process is in the probe's namespace, as far as can be told:
// see finder.shares.
func shares(i int, kind string) bool {
	ours, theirs := &early.answer, &early.link
	setProcName(-1, kind)
	ours.readLink()
	setProcName(i, kind)
	theirs.readLink()
	theirs.add(0)
	return ours.n <= 0 || theirs.n <= 1 || ours.isNamed(theirs, 0)
}

// markDescriptor marks the socket to which the descriptor leads whose number stands at k:
// socket:[12345].
func markDescriptor(i, k int) {
	setProcName(i, "/fd/")
	early.name.n--
	early.name.addName(&early.descriptors, k)
	early.name.add(0)
	const before = "socket:["
	if early.link.readLink(); !early.link.starts(0, before) {
		return
	}
	inode := uint32(0)
	for k := len(before); early.link.at(k) != ']' && k < early.link.n; k++ {
		inode = inode*10 + uint32(early.link.at(k)-'0')
	}
	for s := socketFrom(0); s != nil; s = socketFrom(s.end()) {
		if s.inode == inode {
			s.own = 1
		}
	}
}

// setProcName names a file of the process whose number stands at i, or of the probe
// itself if that is -1.
func setProcName(i int, file string) {
	n := &early.name
	n.n = 0
	n.addString("/proc/")
	if i < 0 {
		n.addString("self")
	} else {
		n.addName(&early.processes, i)
	}
	n.addString(file)
	n.add(0)
}
