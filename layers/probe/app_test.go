package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testApp is the variable that makes the test binary an app. It holds what the app
// listens on, separated by spaces: tcp4 and tcp6, with or without @ and an address. On
// stuck, which is of IPv4, it accepts nothing, and two connections may wait for that.
const testApp = "KOHEALTH_TEST_APP"

// testContainer is the variable that makes the test binary the first process of a
// container. It holds what that does.
const testContainer = "KOHEALTH_TEST_CONTAINER"

// runContainer is what it does. A file for the system sets it.
var runContainer func(spec string) int

// shorten gives a listener a queue for two connections. A file for the system sets it.
var shorten func(net.Listener) error

// runApp listens, says on stdout on which ports, and ends with its stdin.
func runApp(specs []string) int {
	for _, spec := range specs {
		network, addr, _ := strings.Cut(spec, "@")
		if addr == "" {
			addr = ":0"
		}
		stuck := network == "stuck"
		if stuck {
			network = "tcp4"
		}
		l, err := net.Listen(network, addr)
		if err == nil && stuck {
			err = shorten(l)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if fmt.Println(port(l)); stuck {
			defer l.Close()
			continue
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.Path, http.StatusTeapot) }))
	}
	fmt.Println("listening")
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// startApp starts the test binary as an app in a directory, and returns its ports
// and its process. The app ends with the test, or before by the function.
func startApp(t testing.TB, dir string, specs ...string) (ports []string, pid string, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "app")
	copyFile(t, self, name)
	cmd := exec.Command(name)
	cmd.Env = []string{testApp + "=" + strings.Join(specs, " ")}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if !ended {
			stdin.Close()
			cmd.Wait()
		}
		ended = true
	}
	t.Cleanup(end)
	for s := bufio.NewScanner(stdout); s.Scan() && s.Text() != "listening"; {
		ports = append(ports, s.Text())
	}
	if len(ports) != len(specs) {
		t.Fatalf("the app listens on %q", ports)
	}
	return ports, fmt.Sprint(cmd.Process.Pid), end
}

// copyFile copies a program, unless it is there already: what runs cannot be written.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	if _, err := os.Stat(to); err == nil {
		return
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
