package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func init() { runContainer = runNamespaces }

// A namespaced is what the first process of a container does: it makes the file system
// proc(5) what the container has, and runs the app and probes beside it.
type namespaced struct {
	Proc   string   // options of the mount
	Masked []string // what nothing shows of below /proc
	App    string   // the program
	AppUID uint32
	Listen string // as of testApp
	Probes [][]string
	UID    uint32 // of the probes
}

// An answer is what came of a probe.
type answered struct {
	Code   int
	Stderr string
}

// runNamespaces is what the test binary does as the first process of a container.
func runNamespaces(spec string) int {
	var n namespaced
	answers, err := []answered(nil), json.Unmarshal([]byte(spec), &n)
	if err == nil {
		answers, err = n.run()
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (n *namespaced) run() (answers []answered, err error) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("leaving the mounts of others alone: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, n.Proc); err != nil {
		return nil, fmt.Errorf("mounting /proc: %w", err)
	}
	for _, name := range n.Masked {
		if err := syscall.Mount("tmpfs", name, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
			return nil, fmt.Errorf("masking %s: %w", name, err)
		}
	}
	if err := upLoopback(); err != nil {
		return nil, fmt.Errorf("switching on the loopback interface: %w", err)
	}
	app := exec.Command(n.App)
	app.Env, app.Stderr = []string{testApp + "=" + n.Listen}, os.Stderr
	app.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: n.AppUID, Gid: n.AppUID}}
	stdin, err := app.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := app.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := app.Start(); err != nil {
		return nil, err
	}
	for said, b := "", make([]byte, 64); !strings.HasSuffix(said, "listening\n"); {
		size, err := stdout.Read(b)
		if err != nil {
			return nil, fmt.Errorf("waiting for the app: %w", err)
		}
		said += string(b[:size])
	}
	for _, args := range n.Probes {
		cmd := exec.Command(args[0], args[1:]...)
		var stderr bytes.Buffer
		cmd.Env, cmd.Stderr = []string{}, &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: n.UID, Gid: n.UID}}
		if err := cmd.Run(); cmd.ProcessState == nil {
			return nil, err
		}
		answers = append(answers, answered{cmd.ProcessState.ExitCode(), stderr.String()})
	}
	stdin.Close()
	return answers, app.Wait()
}

// TestAutoInNamespaces runs the probe where /proc shows less than all, and where users have
// other numbers. What it cannot find it says, and it takes the port that it is told.
func TestAutoInNamespaces(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("namespaces are root's to make")
	}
	dir := filepath.Dir(variants[0].path)
	if err := os.Chmod(dir, 0o755); err != nil { // for other users
		t.Fatal(err)
	}
	app := filepath.Join(dir, "ko-app", "app")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, app)
	own := slices.DeleteFunc(slices.Clone(variants), func(v *variant) bool { return v.emu != nil })

	const (
		found    = `^healthy: auto: the app \(.*/ko-app/app, process \d+\) accepts on \[::\]:8080 `
		told     = `^healthy: auto: the app's ports cannot be found: reading /proc.*: .* accepts on :8080 `
		noPorts  = `^unhealthy: auto: the app's ports cannot be found: reading /proc.*; PORT holds no port either: configure a check, such as `
		wrongApp = `^unhealthy: auto: the app \(.*/ko-app/app, process \d+\) does not listen on port 9 yet, but on \[::\]:8080 `
	)
	rootless := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	for _, tt := range []struct {
		name string
		namespaced
		users       []syscall.SysProcIDMap
		auto, named string // what auto and auto:8080 say
	}{
		{"all shows", namespaced{}, nil, found, found},
		{"hidepid, the app's user", namespaced{Proc: "hidepid=2", AppUID: 65532, UID: 65532}, nil, found, found},
		{"hidepid, root", namespaced{Proc: "hidepid=invisible", AppUID: 1000}, nil, found, found},
		{"hidepid, another user", namespaced{Proc: "hidepid=2", AppUID: 1000, UID: 65532}, nil, noPorts, told},
		{"no access, another user", namespaced{Proc: "hidepid=1", AppUID: 1000, UID: 65532}, nil, noPorts, told},
		{"ptraceable, the app's user", namespaced{Proc: "hidepid=ptraceable", AppUID: 65532, UID: 65532}, nil, found, found},
		{"another user", namespaced{AppUID: 1000, UID: 65532}, nil, noPorts, told},
		{"only processes", namespaced{Proc: "subset=pid"}, nil, found, found},
		{"only processes, the app's user", namespaced{Proc: "subset=pid,hidepid=2", AppUID: 1, UID: 1}, nil, found, found},
		{"masked network", namespaced{Masked: []string{"/proc/1/net"}}, nil, found, found},
		{"masked and other user", namespaced{Masked: []string{"/proc/1/net"}, AppUID: 1000, UID: 1000}, nil, found, found},
		{"users mapped", namespaced{}, rootless, found, found},
		{"users mapped, the app's user", namespaced{Proc: "hidepid=2", AppUID: 65532, UID: 65532}, rootless, found, found},
		{"users mapped, root", namespaced{AppUID: 65532}, rootless, found, found},
		{"users mapped, another user", namespaced{AppUID: 1000, UID: 65532}, rootless, noPorts, told},
		{"only root mapped", namespaced{}, []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}, found, found},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.App, tt.Listen = app, "tcp@:8080"
			for _, v := range own {
				tt.Probes = append(tt.Probes, []string{v.path, "-v", "auto"}, []string{v.path, "-v", "auto:8080"}, []string{v.path, "-v", "auto:8080,9"})
			}
			answers := inNamespaces(t, app, tt.namespaced, tt.users)
			for i, v := range own {
				wrong := wrongApp
				if tt.named == told {
					wrong = `^unhealthy: auto: the app's ports cannot be found: .* connection refused`
				}
				for j, want := range []string{tt.auto, tt.named, wrong} {
					got := answers[3*i+j]
					if healthy := strings.HasPrefix(want, "^healthy"); healthy != (got.Code == 0) || !regexp.MustCompile(want).MatchString(got.Stderr) {
						t.Errorf("%s %s: code %d, %q does not match %q", v.name, tt.Probes[3*i+j][2], got.Code, got.Stderr, want)
					}
				}
			}
		})
	}
}

// inNamespaces runs the test binary as the first process of a container.
func inNamespaces(t *testing.T, binary string, n namespaced, users []syscall.SysProcIDMap) (answers []answered) {
	t.Helper()
	spec, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = []string{testContainer + "=" + string(spec)}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if users != nil {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = users, users
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		cmd.SysProcAttr.Credential = &syscall.Credential{} // root there
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if err := json.Unmarshal(stdout.Bytes(), &answers); err != nil || len(answers) != len(n.Probes) {
		t.Fatalf("answers %q: %v", &stdout, err)
	}
	return answers
}
