package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startWindowsApp starts an app for Windows where the probe looks for it, and returns the
// ports on which it listens. specs are networks and addresses.
func startWindowsApp(t *testing.T, specs ...string) (ports []string) {
	t.Helper()
	dir := filepath.Join(filepath.Dir(windows.path), "ko-app")
	app := filepath.Join(dir, "app")
	build := exec.Command("go", "build", "-o", app, "./testdata/listen")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := wine.Command(app, specs...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		io.Copy(io.Discard, stderr)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	for s := bufio.NewScanner(stderr); s.Scan() && s.Text() != "listening"; {
		ports = append(ports, s.Text())
	}
	if 2*len(ports) != len(specs) {
		t.Fatalf("the app listens on %q", ports)
	}
	return ports
}

// TestWindowsAuto has the probe find the app by what Windows says of processes and
// listeners. Wine says of no listener whose it is, so that whose they are is for
// TestTCPTable.
func TestWindowsAuto(t *testing.T) {
	if windows == nil {
		t.Skip("Wine is used where everything is tested")
	}
	windows.run(t, nil, "auto").check(t, `auto: no process runs a program in Z:.*\\ko-app\\: configure a check, .*`)
	startWindowsApp(t, "tcp4", "127.0.0.1:0", "tcp6", "[::1]:0")
	app := `auto: the app \(Z:.*\\ko-app\\app, process \d+\) `
	windows.run(t, nil, "auto").check(t, app+`listens on no TCP port.*: .*configure a check, .*`)
}

// TestWindowsPlaces shows that a target can name a drive, and where the arguments are.
func TestWindowsPlaces(t *testing.T) {
	if windows == nil {
		t.Skip("Wine is used where everything is tested")
	}
	if err := os.WriteFile(wine.Drive("alive"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	windows.run(t, nil, "file:///C:/alive?max_age=1h").check(t)
	windows.run(t, nil, "file:///C:/none").check(t, "file:///C:/none: no such file or directory")

	probe := wine.Drive("healthcheck.exe")
	build := exec.Command("go", "build", "-tags=probe", "-o", probe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := execute(t, wine.Command(`C:\healthcheck.exe`))
	if want := `unhealthy: no target is given: reading C:\healthcheck.args: no such file or directory: write one, such as http://:8080/healthz` + "\n"; r.code != unhealthy || r.stderr != want {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	args := wine.Drive("healthcheck.args")
	if err := os.WriteFile(args, []byte("-timeout=2.7s\r\nhttp://:"+port(l)+"/\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(args)
	execute(t, wine.Command(`C:\healthcheck.exe`)).check(t)
}
