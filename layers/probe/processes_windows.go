package main

import (
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// Limits of what is looked at.
const (
	maxProcesses = 10000
	maxTable     = 1 << 20 // bytes of a table of listeners
)

// findApp finds the app's processes and what they listen on. A container has processes,
// connections and directories of its own, so that what shows is what counts.
func findApp(_, dir, _ string, deadline instant) (*app, error) {
	pids, program, err := processesIn(dir, deadline)
	a := &app{hidden: err}
	if len(pids) > 0 {
		a.name = "the app (" + dir + plain(program[len(dir):]) + ", process " + strconv.Itoa(int(pids[0])) + ")"
		var all []listener
		all, a.hidden = listenersOf(pids)
		a.at = reachable(all)
	}
	if until(deadline) <= 0 {
		return a, in("looking for the app's ports", errTimeout)
	}
	return a, nil
}

// processesIn returns the processes that run a program in a directory, and what the first
// of them runs. The error is the first of those of processes that do not show what they
// run; others do not matter if there are any.
func processesIn(dir string, deadline instant) (pids []uint32, program string, hidden error) {
	snapshot, err := syscall.CreateToolhelp32Snapshot(syscall.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, "", in("listing processes", named(err))
	}
	self := uint32(syscall.Getpid())
	entry := syscall.ProcessEntry32{Size: uint32(unsafe.Sizeof(syscall.ProcessEntry32{}))}
	err = syscall.Process32First(snapshot, &entry)
	for n := 0; err == nil && n < maxProcesses && until(deadline) > 0; n++ {
		if pid := entry.ProcessID; pid > 4 && pid != self { // 0 and 4 are the kernel
			name, failed := programOf(pid)
			if failed != nil && hidden == nil {
				hidden = in("reading what process "+strconv.Itoa(int(pid))+" runs", failed)
			}
			if len(name) > len(dir) && probeargs.EqualFold(name[:len(dir)], dir) {
				if pids = append(pids, pid); len(pids) == 1 {
					program = name
				}
			}
		}
		err = syscall.Process32Next(snapshot, &entry) // in the end ERROR_NO_MORE_FILES
	}
	_ = syscall.CloseHandle(snapshot)
	return pids, program, hidden
}

// programOf returns the path of what a process runs. One that has ended runs nothing.
func programOf(pid uint32) (string, error) {
	const (
		queryLimitedInformation = 0x1000
		invalidParameter        = syscall.Errno(87)
	)
	process, err := syscall.OpenProcess(queryLimitedInformation, false, pid)
	if err == invalidParameter {
		return "", nil
	}
	if err != nil {
		return "", named(err)
	}
	var path [syscall.MAX_LONG_PATH]uint16
	size := uint32(len(path))
	query := syscall.NewLazyDLL("kernel32.dll").NewProc("QueryFullProcessImageNameW")
	ok, _, err := query.Call(uintptr(process), 0, uintptr(unsafe.Pointer(&path)), uintptr(unsafe.Pointer(&size)))
	_ = syscall.CloseHandle(process)
	if ok == 0 {
		return "", named(err)
	}
	return syscall.UTF16ToString(path[:]), nil
}

// listenersOf returns where processes listen, and marks these listeners as the app's. All
// others are there, too, since they matter to reachable.
func listenersOf(pids []uint32) (all []listener, err error) {
	for _, t := range tcpTables {
		rows, failed := t.read()
		if failed != nil && err == nil {
			err = in("reading the table of listeners", failed)
		}
		all = append(all, t.listeners(rows, pids)...)
	}
	return all, err
}

// read returns the table.
//
// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
func (t tcpTable) read() ([]byte, error) {
	const (
		ownerPIDListener   = 3
		insufficientBuffer = uintptr(122)
	)
	get := syscall.NewLazyDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")
	if err := get.Find(); err != nil {
		return nil, err
	}
	buf := make([]byte, 16<<10)
	for {
		size := uint32(len(buf))
		code, _, _ := get.Call(uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0, uintptr(t.family), ownerPIDListener, 0)
		switch {
		case code == 0:
			return buf, nil
		case code != insufficientBuffer || len(buf) >= maxTable:
			return nil, named(syscall.Errno(code))
		}
		buf = make([]byte, 2*len(buf))
	}
}
