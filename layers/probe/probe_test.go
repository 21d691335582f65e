package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ko-health/kohealth/layers/winetest"
)

// A variant is a probe, built as kohealth builds it.
type variant struct {
	name   string
	tags   string
	link   string   // flags of the linker
	env    []string // of the compiler
	emu    []string // what it is run with, if this machine cannot run it
	emuEnv []string // variables that this needs
	path   string
}

// emulated returns the raw variant for processors that this machine does not have,
// big-endian and 32-bit ones among them.
func emulated() (vs []*variant) {
	for _, e := range []struct{ arch, arm, emulator string }{
		{"arm64", "", "qemu-aarch64-static"},
		{"arm", "7", "qemu-arm-static"},
		{"s390x", "", "qemu-s390x-static"},
		{"riscv64", "", "qemu-riscv64-static"},
	} {
		v := &variant{name: e.arch, tags: "probe", env: []string{"GOOS=linux", "GOARCH=" + e.arch, "GOARM=" + e.arm}, emu: []string{e.emulator}}
		if vs = append(vs, v); e.arch == "arm64" {
			vs = append(vs, v.early())
		}
	}
	return vs
}

// variants holds the two ways in which the probe talks to the network. Everything
// that can be seen from outside is the same. tlsVariants holds the same with TLS.
var variants, tlsVariants []*variant

// wine runs windows, the probe for Windows, if everything is to be tested; else both are
// nil.
var (
	wine    *winetest.Wine
	windows *variant
)

// systems are the variants and the probe for Windows, for tests of what is the same there.
func systems() []*variant {
	if windows == nil {
		return variants
	}
	return append(slices.Clone(variants), windows)
}

func TestMain(m *testing.M) {
	if addrs, ok := os.LookupEnv(testApp); ok {
		os.Exit(runApp(strings.Fields(addrs)))
	}
	if spec, ok := os.LookupEnv(testContainer); ok {
		os.Exit(runContainer(spec))
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "probe-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if runtime.GOOS == "linux" {
			variants = append(variants, &variant{name: "raw", tags: "probe"})
			tlsVariants = append(tlsVariants, &variant{name: "tls-raw", tags: "probe,tls"})
		}
		if hasEarly {
			variants = append(variants, variants[0].early())
			tlsVariants = append(tlsVariants, tlsVariants[0].early())
		}
		variants = append(variants, &variant{name: "net", tags: "probe,net"})
		tlsVariants = append(tlsVariants, &variant{name: "tls-net", tags: "probe,net,tls"})
		if os.Getenv("KOHEALTH_TEST_ENGINES") != "" { // as in package cmd/kohealth
			variants = append(variants, emulated()...)
			if wine, err = winetest.New(filepath.Join(dir, "wine")); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer wine.Close()
			windows = &variant{name: "windows", tags: "probe", env: []string{"GOOS=windows", "GOARCH=amd64"}, emu: []string{wine.Loader()}, emuEnv: wine.Env()}
		}
		for _, v := range append(allVariants(), systems()[len(variants):]...) {
			if err := v.build(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return m.Run()
	}())
}

// hasEarly reports whether a probe for this machine has an early part.
const hasEarly = runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")

// early returns the variant that begins with its early part: see early_linux.go.
func (v *variant) early() *variant {
	e := *v
	e.name, e.link = v.name+"-early", " -E=main.enterEarly"
	return &e
}

func allVariants() []*variant { return slices.Concat(variants, tlsVariants) }

func (v *variant) build(dir string) error {
	v.path = filepath.Join(dir, v.name)
	appDir := dir + "/ko-app/"
	if v == windows {
		appDir = "Z:" + strings.ReplaceAll(appDir, "/", `\`) // Wine's name of it
	}
	cmd := exec.Command("go", "build", "-o", v.path, "-tags", v.tags, "-trimpath", "-buildvcs=false", "-gcflags=all=-l", "-ldflags=-s -w -buildid= -X main.appDir="+appDir+" -X main.argsFile="+dir+"/args"+v.link, ".")
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), v.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the probe: %w\n%s", err, out)
	}
	return nil
}

// A result is what came of a process.
type result struct {
	code   int
	stderr string
}

// run runs the probe. It never logs: the process 1 of the machine that runs the tests
// has nothing to do with them.
func (v *variant) run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return execute(t, v.command(env, args...))
}

func (v *variant) command(env []string, args ...string) *exec.Cmd {
	argv := slices.Concat(v.emu, []string{v.path, "-log=false"}, args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = slices.Concat([]string{"GOTRACEBACK=none"}, v.emuEnv, env) // not empty: that is the test's own
	return cmd
}

func execute(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(longest, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !overdue.Stop() {
		t.Errorf("it took more than %v", longest)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if stdout.Len() > 0 {
		t.Errorf("stdout holds %q", &stdout)
	}
	return result{cmd.ProcessState.ExitCode(), winetest.Said(stderr.String())}
}

// lineForm is the form of what the probe says of an unhealthy target.
var lineForm = regexp.MustCompile(`^unhealthy: .*[^ ] \((\d+(?:\.\d)?m?s)\)$`)

// check compares a result with what is expected: no lines, and the probe said
// nothing and exited with 0; else it exited with 1 and said these lines. Each is a
// regular expression for what stands between "unhealthy: " and the duration.
func (r result) check(t *testing.T, want ...string) {
	t.Helper()
	code, lines := healthy, strings.SplitAfter(r.stderr, "\n")
	if len(want) > 0 {
		code = unhealthy
	}
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if last := len(lines) - 1; lines[last] != "" || last != len(want) {
		t.Fatalf("stderr holds %q, want %d lines", r.stderr, len(want))
	}
	for i, w := range want {
		line := strings.TrimSuffix(lines[i], "\n")
		if !lineForm.MatchString(line) {
			t.Errorf("line %q has not the form of all lines", line)
		}
		if !regexp.MustCompile(`^unhealthy: ` + w + ` \([^()]*\)$`).MatchString(line) {
			t.Errorf("line %q\ndoes not match %q", line, w)
		}
	}
}

// longest is more than any probe of the tests takes, however busy the machine is, and
// far less than those would which do not end as they should: a deadline that begins
// anew with each byte that drips, or a wait for as long as the deadline allows.
const longest = time.Minute

// serve serves each connection in a goroutine of its own, and closes it.
func serve(t testing.TB, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
}

// listen listens on a free port, of both families unless the network says which.
func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	addr := map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"}[network]
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// closedPort returns a port of both families on which nothing listens, and which
// nobody else gets: a socket is bound to it.
func closedPort(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0),
		syscall.Bind(fd, &syscall.SockaddrInet6{}),
	); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(sa.(*syscall.SockaddrInet6).Port)
}

// readRequest reads a request up to the empty line and returns its lines.
func readRequest(c net.Conn) []string {
	var lines []string
	for s := bufio.NewScanner(c); s.Scan() && s.Text() != ""; {
		lines = append(lines, s.Text())
	}
	return lines
}

// answer answers any request with a text and closes the connection.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, text)
	}
}

// hold answers and then keeps the connection open for as long as the probe does.
func hold(text string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, text)
		io.Copy(io.Discard, c)
	}
}

// pace is the time between two bytes of a server that drips, or two responses of
// one that goes on for ever.
const pace = 20 * time.Millisecond

// drip answers one byte at a time.
func drip(begin, text string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, begin)
		for i := range text {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(pace)
		}
	}
}

// endless answers with the same piece for ever.
func endless(begin, piece string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		for _, err := io.WriteString(c, begin); err == nil; _, err = io.WriteString(c, piece) {
			time.Sleep(pause)
		}
	}
}
