package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/layers"
)

// BenchmarkBuild runs stock ko and kohealth with a health check in turn, on the same
// apps, base image, registry and Go build cache, and prints one table: the medians of
// the wall time and of the peak memory of the largest process, and their ratios.
func BenchmarkBuild(b *testing.B) {
	bench := newBuildBench(b)
	cases := []*benchCase{
		{name: "unchanged"},
		{name: "unchanged, KOCACHE for both", koCache: true},
		{name: "one line changed", before: bench.changeLine, args: []string{"./changing"}},
		{name: "first, KOCACHE empty for both", koCache: true, before: emptyKoCache},
		{name: "first, all caches but Go's empty", koCache: true, before: emptyCaches},
		{name: "ten import paths, unchanged", args: []string{"./cmd/..."}},
		{name: "two platforms, unchanged", args: []string{"--platform=linux/amd64,linux/arm64", "./cmd/app0"}},
	}
	for _, c := range cases {
		for i := range 2 { // the first run of each warms its caches
			c.tools[i].run(b, bench, c, i)
		}
		c.tools = [2]measured{}
	}
	for b.Loop() {
		for _, c := range cases {
			for i := range 2 {
				c.tools[i].run(b, bench, c, i)
			}
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "build\tko s\tkohealth s\tratio\tko MB\tkohealth MB\tratio\t")
	for _, c := range cases {
		ko, kohealth := c.tools[0], c.tools[1]
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.2f\t\n", c.name,
			middle(ko.wall), middle(kohealth.wall), middle(kohealth.wall)/middle(ko.wall),
			middle(ko.memory), middle(kohealth.memory), middle(kohealth.memory)/middle(ko.memory))
	}
	w.Flush()
	fmt.Printf("\nmedians of %d runs of each, in turn\n%s", len(cases[0].tools[0].wall), &table)
}

// launcher runs a program and prints the peak memory of the largest process of its,
// in KB. What wait4 returns is at least the memory of the process that has started
// it, getrusage(2), which here is next to nothing.
const launcher = `package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
`

type benchCase struct {
	name    string
	args    []string // nil means one app
	koCache bool     // both have one
	before  func(tb testing.TB, caches string)
	tools   [2]measured // ko, kohealth
}

// measured is what the runs of one tool took: seconds and megabytes.
type measured struct{ wall, memory []float64 }

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// benchTool is ko or kohealth.
type benchTool struct{ name, path string }

type buildBench struct {
	tools    [2]benchTool
	launcher string
	caches   string // a directory for each case and tool
	dir      string // the apps' module
	env      []string
	lines    int
}

func newBuildBench(b *testing.B) *buildBench {
	srv := httptest.NewServer(newRegistry())
	b.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	pushStatic(b, host+"/base")
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		b.Fatal(err)
	}
	bin := b.TempDir()
	bench := &buildBench{
		tools:    [2]benchTool{{"ko", filepath.Join(bin, "ko")}, {"kohealth", filepath.Join(bin, "kohealth")}},
		launcher: filepath.Join(bin, "launcher"),
		caches:   b.TempDir(),
		dir:      b.TempDir(),
		env: append(os.Environ(), "KO_DOCKER_REPO="+host+"/app", "KO_DEFAULTBASEIMAGE="+host+"/base",
			"GOCACHE="+strings.TrimSpace(string(goCache)), "GOTOOLCHAIN=local"),
	}
	compileTool(b, bench.tools[0].path, "github.com/google/ko")
	compileTool(b, bench.tools[1].path, ".")
	bench.write(b, "launcher/main.go", launcher)
	compileTool(b, bench.launcher, filepath.Join(bench.dir, "launcher", "main.go"))
	bench.write(b, "go.mod", "module example.com/bench\n\ngo 1.22\n")
	for i := range 10 {
		bench.write(b, fmt.Sprintf("cmd/app%d/main.go", i), benchApp)
	}
	return bench
}

func compileTool(b *testing.B, path, pkg string) {
	b.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

const benchApp = `package main

import "net/http"

var lines = 0

func main() { http.ListenAndServe(":8080", nil) }
`

func (bench *buildBench) write(tb testing.TB, file, content string) {
	tb.Helper()
	path := filepath.Join(bench.dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func (bench *buildBench) changeLine(tb testing.TB, _ string) {
	bench.lines++
	bench.write(tb, "changing/main.go", strings.Replace(benchApp, "= 0", fmt.Sprintf("= %d", bench.lines), 1))
}

func koCacheIn(caches string) string { return filepath.Join(caches, "ko") }

func emptyKoCache(tb testing.TB, caches string) {
	if err := os.RemoveAll(koCacheIn(caches)); err != nil {
		tb.Fatal(err)
	}
}

// emptyCaches empties all caches of a tool's own: kohealth's has the probe.
func emptyCaches(tb testing.TB, caches string) {
	if err := os.RemoveAll(caches); err != nil {
		tb.Fatal(err)
	}
}

func (m *measured) run(b *testing.B, bench *buildBench, c *benchCase, i int) {
	tool := bench.tools[i]
	caches := filepath.Join(bench.caches, c.name, tool.name)
	if c.before != nil {
		c.before(b, caches)
	}
	args := c.args
	if args == nil {
		args = []string{"./cmd/app0"}
	}
	if i == 0 && slices.Contains(args, "./cmd/...") { // ko knows no patterns
		args = nil
		for n := range 10 {
			args = append(args, fmt.Sprintf("./cmd/app%d", n))
		}
	}
	cmd := exec.Command(bench.launcher, append([]string{tool.path, "build"}, args...)...)
	cmd.Dir, cmd.Env = bench.dir, append(bench.env, "XDG_CACHE_HOME="+caches)
	if c.koCache {
		cmd.Env = append(cmd.Env, kocompat.KoCacheVariable+"="+koCacheIn(caches))
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s build: %v\n%s", tool.name, err, &stderr)
	}
	m.wall = append(m.wall, time.Since(start).Seconds())
	kb, err := strconv.Atoi(string(out))
	if err != nil {
		b.Fatal(err)
	}
	m.memory = append(m.memory, float64(kb)/1000)
}

// pushStatic pushes the embedded base, which ko does not know.
func pushStatic(b *testing.B, repo string) {
	index, err := layers.Static()
	if err != nil {
		b.Fatal(err)
	}
	ref, err := name.ParseReference(repo)
	if err != nil {
		b.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		b.Fatal(err)
	}
}
