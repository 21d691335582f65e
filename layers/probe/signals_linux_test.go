package main

import (
	"syscall"
	"testing"
)

// TestSignals checks what README.md says of signals: those on which Go's runtime dumps
// the stack exit with 2, and others end the probe themselves.
func TestSignals(t *testing.T) {
	dumps := []syscall.Signal{
		syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV,
		syscall.SIGSTKFLT, syscall.SIGSYS,
	}
	kills := []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL, syscall.SIGTERM}
	l := listen(t, "tcp4") // and never answers
	for i, signal := range append(dumps, kills...) {
		cmd := variants[0].command(nil, "-log=false", "http://:"+port(l)+"/")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := l.Accept() // it runs
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		_ = conn.Close()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if dumped := i < len(dumps); dumped && status.ExitStatus() != 2 || !dumped && (!status.Signaled() || status.Signal() != signal) {
			t.Errorf("%v: %v", signal, cmd.ProcessState)
		}
	}
}
