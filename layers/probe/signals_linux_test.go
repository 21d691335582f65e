package main

import (
	"net"
	"syscall"
	"testing"
	"time"
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
	for _, signal := range dumps {
		if status := signalled(t, variants[0], l, signal); status.ExitStatus() != 2 {
			t.Errorf("%v: %#x, want exit 2", signal, status)
		}
		for _, v := range earlyVariants() { // as long as there is no runtime
			if status := signalled(t, v, l, signal); !status.Signaled() {
				t.Errorf("%s, %v: %#x, want its end by that", v.name, signal, status)
			}
		}
	}
	for _, signal := range kills {
		if status := signalled(t, variants[0], l, signal); !status.Signaled() || status.Signal() != signal {
			t.Errorf("%v: %#x, want its end by that", signal, status)
		}
	}
	if status := signalled(t, variants[0], l, syscall.SIGQUIT, "GOTRACEBACK=crash"); !status.Signaled() || status.Signal() != syscall.SIGABRT {
		t.Errorf("with GOTRACEBACK=crash: %#x, want its end by SIGABRT", status)
	}
}

// signalled returns what comes of a probe that a signal interrupts.
func signalled(t *testing.T, v *variant, l net.Listener, signal syscall.Signal, env ...string) syscall.WaitStatus {
	t.Helper()
	cmd := v.command(env, "http://:"+port(l)+"/")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(longest)); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept() // it runs
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus)
}
