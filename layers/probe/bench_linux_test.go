package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkCheck runs whole processes against servers that are up, in turn, so that
// all see the same machine: the probe, a program that does nothing, a plain program
// with net/http, and the tools with which people write health checks. It prints one
// table: the size as it is and compressed, for a tool with shared libraries without
// those; the medians of wall and CPU time; the peak of the memory; and the median wall
// time where a twentieth of a processor is all there is, a shell included. What is not
// there is left out: tools that are not installed, quotas that may not be set.
//
// What was tried to make the probe smaller or faster than the ordinary Go program
// of its kind, on amd64 with Go 1.26:
//
//   - system calls instead of package net: 790 KB and 0.25 ms less
//   - without os and time: 170 KB less, no faster; see runtime_linux.go
//   - -gcflags=all=-l, no inlining: 37 KB and, compressed, 61 KB less, no slower,
//     but nothing that go build has compiled for the app can be used again
//   - GOEXPERIMENT=nogreenteagc, an older garbage collector: compressed, 17 KB less
//   - GOAMD64=v3, GOGC=off, GOMAXPROCS=1: nothing
//   - beginning before the runtime does, early_linux.go: three quarters of the time less,
//     for 17 KB, compressed
//
// Most of the size that is left, and of the time without an early part, is Go's runtime.
func BenchmarkCheck(b *testing.B) {
	all := contenders(b)
	quota := newQuota(b)
	for b.Loop() {
		for _, c := range all {
			c.run(b, nil)
		}
	}
	for range 8 {
		for _, c := range all {
			if quota != nil {
				time.Sleep(250 * time.Millisecond) // a new period, with nothing used of it
				c.run(b, quota)
			}
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "check\tKB\tgzip KB\twall ms\tCPU ms\tRSS KB\twall ms at 0.05 CPU\t")
	for _, c := range all {
		size, compressed := sizes(b, c.path)
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%s\t%s\t%.0f\t%s\t\n", c.name, size/1000, compressed/1000,
			median(c.wall), median(c.cpu), peak(b, c.path, c.argv(), c.env()), median(c.throttled))
	}
	w.Flush()
	fmt.Printf("\nmedians of %d runs of each, in turn\n%s", len(all[0].wall), &table)
}

// A contender is a command that checks something, and what its runs took.
type contender struct {
	name, path           string
	args                 []string
	wall, cpu, throttled []time.Duration
}

func (c *contender) argv() []string { return append([]string{filepath.Base(c.path)}, c.args...) }
func (c *contender) env() []string  { return []string{"PATH=/bin"} }

// contenders starts the servers and returns what is to be compared.
func contenders(b *testing.B) []*contender {
	plain, secure, rpc := listen(b, "tcp4"), listen(b, "tcp4"), listen(b, "tcp4")
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
	server := &http.Server{Handler: ok}
	go server.Serve(plain)
	overTLS := httptest.NewUnstartedServer(ok)
	overTLS.Listener = secure
	overTLS.StartTLS()
	serveGRPC(b, rpc)
	b.Cleanup(func() { server.Close(); overTLS.Close() })
	http, https := "http://127.0.0.1:"+port(plain)+"/healthz", "https://127.0.0.1:"+port(secure)+"/healthz"

	dir := b.TempDir()
	all := []*contender{
		compiled(b, dir, "empty.c", "int main(void) { return 0; }", "gcc", "-Os", "-static"),
		compiled(b, dir, "empty.go", "package main\n\nfunc main() {}\n", "go", "build", "-trimpath", "-ldflags=-s -w"),
		compiled(b, dir, "nethttp.go", netHTTP, "go", "build", "-trimpath", "-ldflags=-s -w"),
	}
	if all[2] != nil {
		all[2].args = []string{http}
	}
	startApp(b, filepath.Join(filepath.Dir(variants[0].path), "ko-app"), "tcp")
	for _, v := range allVariants() {
		if v.emu != nil || strings.Contains(v.tags, "net") {
			continue
		}
		for _, target := range []string{http, "tcp://127.0.0.1:" + port(plain), "grpc://127.0.0.1:" + port(rpc), "auto", "file://" + dir + "?max_age=1h"} {
			scheme, _, _ := strings.Cut(target, "://")
			all = append(all, &contender{name: "probe " + v.name + " " + scheme, path: v.path, args: []string{"-log=false", target}})
		}
	}
	all = append(all, &contender{name: "probe tls-raw https", path: tlsVariants[0].path, args: []string{"-log=false", "-insecure", https}})
	for _, tool := range [][]string{
		{"curl", "-fsS", "-o", "/dev/null", http}, {"wget", "-q", "-O", "/dev/null", http}, {"busybox", "wget", "-q", "-O", "/dev/null", http},
		{"grpc-health-probe", "-addr=127.0.0.1:" + port(rpc)},
	} {
		if path, err := exec.LookPath(tool[0]); err == nil {
			all = append(all, &contender{name: tool[0], path: path, args: tool[1:]})
		} else {
			b.Logf("%s is not installed", tool[0])
		}
	}
	return slices.DeleteFunc(all, func(c *contender) bool { return c == nil })
}

const netHTTP = `package main

import (
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get(os.Args[1])
	if err != nil || resp.StatusCode != 200 {
		os.Exit(1)
	}
}
`

// compiled compiles a program, or returns nil where there is no compiler.
func compiled(b *testing.B, dir, file, source string, compiler ...string) *contender {
	if _, err := exec.LookPath(compiler[0]); err != nil {
		b.Logf("%s is not installed", compiler[0])
		return nil
	}
	c := &contender{name: strings.NewReplacer("empty.c", "empty C program", "empty.go", "empty Go program", "nethttp.go", "net/http program").Replace(file), path: filepath.Join(dir, file+".out")}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(source), 0o644); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(compiler[0], append(compiler[1:], "-o", c.path, file)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", file, err, out)
	}
	return c
}

// run runs the command once, under a quota if there is one.
func (c *contender) run(b *testing.B, q *quota) {
	path, argv := c.path, c.argv()
	if q != nil {
		path, argv = "/bin/sh", append([]string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, q.procs, c.path}, c.args...)
	}
	start := time.Now()
	p, err := os.StartProcess(path, argv, &os.ProcAttr{Env: c.env()})
	if err != nil {
		b.Fatal(err)
	}
	state, err := p.Wait()
	if err != nil || !state.Success() {
		b.Fatalf("%s: %v, %v", c.name, state, err)
	}
	took := time.Since(start)
	if q != nil {
		c.throttled = append(c.throttled, took)
		return
	}
	c.wall, c.cpu = append(c.wall, took), append(c.cpu, state.UserTime()+state.SystemTime())
}

func median(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	slices.Sort(d)
	return fmt.Sprintf("%.2f", d[len(d)/2].Seconds()*1000)
}

// A quota is a control group that gets a twentieth of a processor: 5 ms of every 100.
type quota struct{ procs string }

// newQuota returns nil where none can be made, as without root.
func newQuota(b *testing.B) *quota {
	for _, g := range []struct{ root, file, value string }{
		{"/sys/fs/cgroup", "cpu.max", "5000 100000"},
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "5000"}, // of its default period of 100 ms
	} {
		dir := filepath.Join(g.root, "kohealth-bench-"+strconv.Itoa(os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		b.Cleanup(func() { os.Remove(dir) })
		if os.WriteFile(filepath.Join(dir, g.file), []byte(g.value), 0o644) == nil {
			return &quota{filepath.Join(dir, "cgroup.procs")}
		}
	}
	b.Log("no control group can be made: nothing runs under a quota")
	return nil
}

func sizes(b *testing.B, path string) (size, compressed float64) {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return float64(len(data)), float64(buf.Len())
}

// peak returns the peak of the resident memory of a process, in KB. It stops the
// process on its way out to read it: what wait4 returns is at least the memory of
// the process that started it, getrusage(2).
func peak(b *testing.B, path string, argv, env []string) float64 {
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: env, Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		b.Fatal(err)
	}
	var ws syscall.WaitStatus
	var status []byte
	for first := true; ; first = false {
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil {
			b.Fatal(err)
		}
		signal := 0
		switch {
		case ws.Exited() || ws.Signaled():
			_, value, _ := strings.Cut(string(status), "VmHWM:")
			kb, err := strconv.Atoi(strings.Fields(value + " kB")[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb)
		case first:
			err = syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACEEXIT)
		case ws.TrapCause() == syscall.PTRACE_EVENT_EXIT:
			status, err = os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		default:
			signal = int(ws.StopSignal())
		}
		if err == nil {
			err = syscall.PtraceCont(pid, signal)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
