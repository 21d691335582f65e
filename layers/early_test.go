package layers

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// testedToolchains are the versions of Go with which the probe has to begin early: a
// release of each that can compile it. The first is the one that runs the test.
var testedToolchains = []string{"", "go1.22.12", "go1.23.12", "go1.24.11", "go1.25.9", "go1.27.3"}

// goOf returns the go command of a version. If that is not on this machine, it is
// downloaded where all tests are to run, and the test is left out elsewhere.
func goOf(t *testing.T, version string) string {
	t.Helper()
	if version == "" {
		return ""
	}
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		cmd.Env = append(cmd.Env, "GOPROXY=off")
	}
	root, err := cmd.Output()
	if err != nil {
		if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
			t.Skipf("%s is not on this machine", version)
		}
		t.Fatalf("%s: %v", version, err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "bin", "go")
}

// TestEarlyToolchains has every version of Go compile probes that answer without its
// runtime, and say with it what is wrong.
func TestEarlyToolchains(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("probes run on Linux")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusTeapot)
		}
		io.WriteString(w, "hello")
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	url := "http://" + l.Addr().String()
	newest := 0
	for _, version := range testedToolchains {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(version+"/"+arch, func(t *testing.T) {
				t.Setenv("GOROOT", "")
				emulator := emulatorOf(t, arch)
				c := &Compiler{Go: goOf(t, version)}
				_, toolchain, err := c.toolchain(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				minor, _ := goMinor(toolchain)
				newest = max(newest, minor)
				binary, err := c.Probe(t.Context(), linux(arch), Plain)
				if err != nil {
					t.Fatal(err)
				}
				probe := filepath.Join(t.TempDir(), "healthcheck")
				if err := os.WriteFile(probe, binary, 0o755); err != nil {
					t.Fatal(err)
				}
				argv := append(emulator, probe, "-log=false")
				runsEarly(t, emulator, probe, "-log=false", url+"/healthz")
				if out, err := exec.Command(argv[0], append(argv[1:], url+"/healthz")...).CombinedOutput(); err != nil || len(out) > 0 {
					t.Errorf("%v, %s", err, out)
				}
				out, err := exec.Command(argv[0], append(argv[1:], url+"/")...).CombinedOutput()
				if err == nil || !strings.Contains(string(out), `418 "I'm a teapot": "hello"`) {
					t.Errorf("%v, %s", err, out)
				}
			})
		}
	}
	if newest != newestEarly {
		t.Errorf("the newest version that is tested is 1.%d, and newestEarly %d", newest, newestEarly)
	}
}

// emulatorOf returns what runs programs for a processor that this machine may not have.
func emulatorOf(t *testing.T, arch string) []string {
	t.Helper()
	if arch == runtime.GOARCH {
		return nil
	}
	name := map[string]string{"arm64": "qemu-aarch64-static", "amd64": "qemu-x86_64-static"}[arch]
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("KOHEALTH_TEST_ENGINES") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return []string{name}
}

// runsEarly runs a probe with so little memory that Go's runtime cannot start. An emulator
// needs memory of its own, but says which system calls are made.
func runsEarly(t *testing.T, emulator []string, args ...string) {
	t.Helper()
	argv := slices.Concat([]string{"sh", "-c", `ulimit -v 64000; exec "$@"`, "sh"}, args)
	if len(emulator) > 0 {
		argv = slices.Concat(emulator, []string{"-strace"}, args)
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("rt_sigaction")) || len(emulator) == 0 && len(out) > 0 {
		t.Errorf("%q is not answered early: %v, %.200s", argv, err, out)
	}
}

// TestEarlyIsAlone looks into the compiled probe: whatever the early part calls is of the
// early part, calls nothing that is not known, and the runtime only to begin it.
func TestEarlyIsAlone(t *testing.T) {
	source, err := probeFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range testedToolchains {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(version+"/"+arch, func(t *testing.T) {
				t.Setenv("GOROOT", "")
				goCmd, err := FindGo(goOf(t, version))
				if err != nil {
					t.Fatal(err)
				}
				flags := buildFlags(Plain, true)
				flags[len(flags)-1] = strings.Replace(flags[len(flags)-1], "-s -w ", "", 1)
				binary, err := compile(t.Context(), goCmd, source, append([]string{"GOOS=linux", "GOARCH=" + arch}, smaller(cmp.Or(version, runtime.Version()))...), flags)
				if err != nil {
					t.Fatal(err)
				}
				functions := disassemble(t, binary)
				if info, err := buildinfo.Read(bytes.NewReader(binary)); err != nil || version != "" && !strings.HasPrefix(info.GoVersion+" ", version+" ") {
					t.Fatalf("compiled by %q, %v", info.GoVersion, err)
				}
				depths := map[string]int{}
				depth := walkEarly(t, functions, "main.enterEarly.abi0", depths)
				if depth < 200 || depth > 2000 || len(depths) < 40 {
					t.Errorf("the early part needs %d bytes of stack in %d functions", depth, len(depths))
				}
				t.Logf("%d bytes of stack, %d functions", depth, len(depths))
			})
		}
	}
}

// disassemble returns the instructions of the program's own functions.
func disassemble(t *testing.T, binary []byte) map[string][]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "healthcheck")
	if err := os.WriteFile(file, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "objdump", "-s", `^main\.`, file).Output()
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string][]string{}
	var name string
	for line := range bytes.Lines(out) {
		if rest, found := strings.CutPrefix(string(line), "TEXT "); found {
			name, _, _ = strings.Cut(rest, "(SB)")
			continue
		}
		if fields := strings.FieldsFunc(string(line), func(r rune) bool { return r == '\t' || r == '\n' }); len(fields) == 4 {
			functions[name] = append(functions[name], strings.TrimSpace(fields[3]))
		}
	}
	return functions
}

var (
	calls  = regexp.MustCompile(`^(?:CALL|BL|JMP|B) ([^ ]+)\(SB\)`)
	frames = regexp.MustCompile(`^(?:SUBQ \$(0x[0-9a-f]+|[0-9]+), SP|ADDQ \$-(0x[0-9a-f]+|[0-9]+), SP|SUB \$([0-9]+), RSP, RSP|MOVD\.W R30, -([0-9]+)\(RSP\))`)
)

// walkEarly follows calls, and returns how much stack they need.
func walkEarly(t *testing.T, functions map[string][]string, name string, depths map[string]int) (depth int) {
	t.Helper()
	if depth, known := depths[name]; known {
		if depth < 0 {
			t.Errorf("%s calls itself", name)
		}
		return depth
	}
	depths[name] = -1
	frame, below := 8, 0
	if len(functions[name]) == 0 {
		t.Errorf("there is no function %s", name)
	}
	for _, instruction := range functions[name] {
		if m := frames.FindStringSubmatch(instruction); m != nil {
			n, _ := strconv.ParseInt(strings.Join(m[1:], ""), 0, 64)
			frame += int(n)
		}
		target := ""
		if m := calls.FindStringSubmatch(instruction); m != nil {
			target = m[1]
		}
		switch {
		case strings.HasPrefix(target, "runtime.morestack"): // never called: there is no limit
		case strings.HasPrefix(target, "_rt0_") && name == "main.enterEarly.abi0":
		case target == name && strings.HasPrefix(instruction, "JMP "): // after morestack
		case strings.HasPrefix(target, "main."):
			below = max(below, walkEarly(t, functions, target, depths))
		case target != "" || strings.Contains(instruction, "runtime.") || strings.HasPrefix(instruction, "CALL ") || strings.HasPrefix(instruction, "BL "):
			t.Errorf("%s: %s", name, instruction)
		}
	}
	depths[name] = frame + below
	return frame + below
}

// TestEarlyIsKnown shows for which toolchains and targets probes begin early, and that it
// is said once if a toolchain is too new.
func TestEarlyIsKnown(t *testing.T) {
	for _, tt := range []struct {
		toolchain, target string
		want              bool
	}{
		{"/usr/local/go\ngo1.26.8\ntime 2026-01-01T00:00:00Z\n", "GOOS=linux GOARCH=amd64", true},
		{"go1.27rc1", "GOOS=linux GOARCH=arm64", true},
		{"go1.22.12", "GOOS=linux GOARCH=arm64", true},
		{"go1.28.0", "GOOS=linux GOARCH=arm64", false},
		{"/root/sdk/gotip\ndevel go1.28-abcdef0123\n", "GOOS=linux GOARCH=amd64", false},
		{"", "GOOS=linux GOARCH=amd64", false},
		{"go1.26.8", "GOOS=linux GOARCH=riscv64", false},
		{"go1.26.8", "GOOS=darwin GOARCH=arm64", false},
	} {
		if got := beginsEarly(tt.toolchain, strings.Fields(tt.target)); got != tt.want {
			t.Errorf("%q %s: %v", tt.toolchain, tt.target, got)
		}
	}
	var said []string
	tc := newToolchain(t, fmt.Sprintf("go1.%d.1", newestEarly+1), `case "$*" in *enterEarly*) exit 1;; esac; exec "REAL" "$@"`)
	c := &Compiler{Go: tc.goCmd(), Logf: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	for _, arch := range []string{"amd64", "arm64"} {
		if _, err := c.Probe(t.Context(), linux(arch), Plain); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(strings.Join(said, "\n"), "this Go is newer than"); n != 1 {
		t.Errorf("it is said %d times: %q", n, said)
	}
}
