package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	logged   = "unhealthy: GET http://127.0.0.1:8080/: 503 \"; id >/pwned #\"\n"
	onlyPath = 0x200000 // O_PATH
)

// withStderr starts a process that has a file as its stderr, as an app may choose it,
// and returns its directory in /proc.
func withStderr(t *testing.T, stderr *os.File) (process string) {
	t.Helper()
	cmd := exec.Command("cat")
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	return fmt.Sprintf("/proc/%d", cmd.Process.Pid)
}

func openFile(t *testing.T, name string, flag int) *os.File {
	t.Helper()
	fd, err := syscall.Open(name, flag|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { f.Close() })
	return f
}

// TestLogIsFile has the stderr of process 1 lie in a file. What that process cannot
// write itself the probe leaves alone, whatever rights it has.
func TestLogIsFile(t *testing.T) {
	const content = "#!/bin/sh\n"
	for name, tt := range map[string]struct {
		flag int
		want string
	}{
		"for writing":             {syscall.O_WRONLY, content + logged},
		"for appending":           {syscall.O_WRONLY | syscall.O_APPEND, content + logged},
		"for reading and writing": {syscall.O_RDWR, content + logged},
		"for reading":             {syscall.O_RDONLY, content},
		"for neither":             {syscall.O_ACCMODE, content},
		"only named":              {onlyPath, content},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
			appendTo(withStderr(t, openFile(t, file, tt.flag)), logged)
			if got, err := os.ReadFile(file); string(got) != tt.want {
				t.Errorf("the file holds %q, %v", got, err)
			}
		})
	}
}

// TestLogIsSwapped shows that a file counts only if it is the one that was opened for
// writing: an app may change its stderr between two looks at it.
func TestLogIsSwapped(t *testing.T) {
	dir := t.TempDir()
	var files [2]*os.File
	for i := range files {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		files[i] = openFile(t, name, syscall.O_RDWR)
	}
	info := withStderr(t, files[0]) + "/fdinfo/2"
	for i, want := range []bool{true, false} {
		if got := writable(info, int(files[i].Fd())); got != want {
			t.Errorf("file %d: %v, want %v", i, got, want)
		}
	}
	if writable(info+"0", int(files[0].Fd())) {
		t.Error("what cannot be read is taken for writable")
	}
}

func TestLogIsPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	process := withStderr(t, w)
	appendTo(process, logged)
	got := make([]byte, 200)
	if n, err := r.Read(got); string(got[:n]) != logged {
		t.Errorf("the pipe holds %q, %v", got[:n], err)
	}
	fill(t, w)
	appendTo(process, logged) // returns
}

// TestLogIsForeignPipe has the stderr of process 1 be the end of a pipe from which
// somebody else takes orders, too.
func TestLogIsForeignPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "orders")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r := openFile(t, fifo, syscall.O_RDONLY|syscall.O_NONBLOCK)
	w := openFile(t, fifo, syscall.O_WRONLY)
	appendTo(withStderr(t, r), logged)
	appendTo(withStderr(t, w), "end")
	got := make([]byte, 200)
	if n, err := r.Read(got); string(got[:n]) != "end" {
		t.Errorf("the pipe holds %q, %v", got[:n], err)
	}
}

func TestLogIsTerminal(t *testing.T) {
	master := openFile(t, "/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY)
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal := openFile(t, fmt.Sprintf("/dev/pts/%d", n), syscall.O_RDWR|syscall.O_NOCTTY)
	appendTo(withStderr(t, terminal), "unhealthy\n")
	got := make([]byte, 200)
	if n, err := master.Read(got); string(got[:n]) != "unhealthy\r\n" {
		t.Errorf("the terminal shows %q, %v", got[:n], err)
	}
}

// TestLogIsElsewhere shows that neither devices nor sockets are logs, and that nothing
// goes wrong where there is none.
func TestLogIsElsewhere(t *testing.T) {
	null := openFile(t, "/dev/null", syscall.O_RDWR)
	if isLog(int(null.Fd())) {
		t.Error("/dev/null is taken for a log")
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "socket")
	defer socket.Close()
	if isLog(fd) {
		t.Error("a socket is taken for a log")
	}
	appendTo(withStderr(t, null), logged)
	appendTo(withStderr(t, socket), logged)
	appendTo("/proc/no-such-process", logged)
}
