package main

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

// TestEarlySystemCalls shows that the early part makes no system call that the full probe
// does not make, which a seccomp profile may forbid. The time of day is an exception: the
// kernel mostly lets the full probe read it from memory, and else it makes the call.
func TestEarlySystemCalls(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	unix, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, unix, answer(ok200))
	startApp(t, filepath.Join(filepath.Dir(variants[0].path), "ko-app"), "tcp")
	full, early := map[uint64]bool{syscall.SYS_GETTIMEOFDAY: true}, map[uint64]bool{}
	traceCalls(t, variants[0].command(nil, "tcp://:"+closedPort(t)).Args, full) // waits until its words can be written
	for _, target := range []string{
		"http://:" + port(l), "tcp://:" + port(l), "http+unix://" + dir + "/s:/", "file://" + dir + "?max_age=1h", "auto",
	} {
		traceCalls(t, variants[0].command(nil, target).Args, full)
		if isEarly(t, variants[1].command(nil, target)) {
			traceCalls(t, variants[1].command(nil, target).Args, early)
		}
	}
	for call := range early {
		if !full[call] {
			t.Errorf("only the early part makes the system call %d", call)
		}
	}
	if !early[syscall.SYS_SENDMSG] || early[syscall.SYS_RT_SIGACTION] {
		t.Errorf("these are not the calls of the early part: %d", slices.Sorted(maps.Keys(early)))
	}
}

// traceCalls runs a process, and adds the system calls of all its threads to a set.
func traceCalls(t *testing.T, argv []string, calls map[uint64]bool) {
	t.Helper()
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd := null.Fd()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: []string{"X="}, Files: []uintptr{fd, fd, fd}, Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		t.Fatal(err)
	}
	for known := map[int]bool{}; ; {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status.Exited() || status.Signaled() {
			if thread == pid {
				return
			}
			continue
		}
		signal := 0
		switch stop := status.StopSignal(); {
		case !known[thread]: // has begun
			known[thread] = true
			_ = syscall.PtraceSetOptions(thread, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE)
		case stop == syscall.SIGTRAP|0x80:
			var regs syscall.PtraceRegs
			if syscall.PtraceGetRegs(thread, &regs) == nil {
				calls[regs.Orig_rax] = true
			}
		case stop != syscall.SIGTRAP:
			signal = int(stop)
		}
		_ = syscall.PtraceSyscall(thread, signal)
	}
}
