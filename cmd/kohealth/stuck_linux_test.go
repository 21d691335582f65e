package main

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterruptStuck interrupts what looks at no context: ko and go-containerregistry
// wait for an engine that never answers.
func TestInterruptStuck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		args    []string
		signals []syscall.Signal
	}{
		{"build", []string{"build", "--bare", "."}, []syscall.Signal{syscall.SIGTERM}},
		{"build, twice", []string{"build", "--bare", "."}, []syscall.Signal{syscall.SIGINT, syscall.SIGINT}},
		{"build, closed terminal", []string{"build", "--bare", "."}, []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP}},
		{"try", []string{"try", "."}, []syscall.Signal{syscall.SIGINT}},
		{"base", []string{"base", "docker-daemon:base"}, []syscall.Signal{syscall.SIGTERM}},
		{"lint", []string{"lint", "docker-daemon:base"}, []syscall.Signal{syscall.SIGINT}},
		{"render", []string{"render", "docker-daemon:base"}, []syscall.Signal{syscall.SIGINT}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newWorkshop(t)
			host, asked := deaf(t)
			cmd := exec.Command("kohealth", tt.args...)
			cmd.Dir = s.path("app")
			cmd.Env = append(s.env, "DOCKER_HOST=tcp://"+host, "KO_DEFAULTBASEIMAGE=ko.local/base", "NO_PROXY="+host)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			<-asked
			for _, signal := range tt.signals {
				_ = cmd.Process.Signal(signal)
				time.Sleep(20 * time.Millisecond) // else the kernel makes one of two
			}
			_ = cmd.Wait()
			if !hung.Stop() || cmd.ProcessState.ExitCode() <= 0 || !strings.HasSuffix(stderr.String(), "Error: interrupted\n") {
				t.Errorf("%s:\n%s", cmd.ProcessState, stderr.String())
			}
			for _, process := range processes(cmd.Process.Pid) {
				t.Errorf("left behind: %s", process)
			}
			checkEmpty(t, s.path("tmp"))
		})
	}
}

// deaf returns the address of a server that takes connections and never answers, and
// what says when the first one has come.
func deaf(t *testing.T) (host string, asked <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	first := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			if n == 0 {
				close(first)
			}
		}
	}()
	return listener.Addr().String(), first
}
