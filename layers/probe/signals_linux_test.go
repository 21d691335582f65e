package main

import (
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestSignals checks what docs/probe.md says of signals: those on which Go's runtime dumps
// the stack exit with 2, and others end the probe themselves.
func TestSignals(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) { // under nohup; children inherit that, but not a handler
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	dumps := []syscall.Signal{
		syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV,
		syscall.SIGSTKFLT, syscall.SIGSYS,
	}
	kills := []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL, syscall.SIGTERM}
	l := listen(t, "tcp4") // and never answers
	for _, sig := range dumps {
		if status := signalled(t, variants[0], l, sig); status.ExitStatus() != 2 {
			t.Errorf("%v: %#x, want exit 2", sig, status)
		}
		for _, v := range earlyVariants() { // as long as there is no runtime
			if status := signalled(t, v, l, sig); !status.Signaled() {
				t.Errorf("%s, %v: %#x, want its end by that", v.name, sig, status)
			}
		}
	}
	for _, sig := range kills {
		if status := signalled(t, variants[0], l, sig); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: %#x, want its end by that", sig, status)
		}
	}
	if status := signalled(t, variants[0], l, syscall.SIGQUIT, "GOTRACEBACK=crash"); !status.Signaled() || status.Signal() != syscall.SIGABRT {
		t.Errorf("with GOTRACEBACK=crash: %#x, want its end by SIGABRT", status)
	}
}

// signalled returns what comes of a probe that a signal interrupts.
func signalled(t *testing.T, v *variant, l net.Listener, sig syscall.Signal, env ...string) syscall.WaitStatus {
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
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus)
}
