package discover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
)

// TestJudgements compares what is proposed for programs of others with what a person who
// knows them would write: never another check, and for most of those that have a better
// one than auto, that.
func TestJudgements(t *testing.T) {
	if testing.Short() {
		t.Skip("reads dozens of programs; under the race detector TestPrograms reads fifteen in the same way, and make test reads all")
	}
	data, err := os.ReadFile(filepath.Join(programs, "judgements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	better, found := 0, 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		program, checks, _ := strings.Cut(line, ": ")
		wanted := strings.Fields(checks)
		t.Run(program, func(t *testing.T) {
			got := written(t, program)
			switch isBetter := !slices.Contains([]string{"auto", "none"}, wanted[0]); {
			case slices.Contains(wanted, got):
				if isBetter {
					better, found = better+1, found+1
				}
			case got != health.DefaultTest && got != "none":
				t.Errorf("%s, want one of %q", got, wanted)
			case isBetter:
				better++
				t.Logf("%s, which is not wrong", got)
			}
		})
	}
	if found*100 < better*60 {
		t.Errorf("%d of %d programs get what is better than auto", found, better)
	}
}

// written returns the check that init --yes writes for a program, auto if it writes
// nothing, and "none" if it knows of nothing that listens.
func written(t *testing.T, program string) string {
	load, dir, pkg := library.Load, programs, program
	if module, importpath, ok := strings.Cut(program, " "); ok {
		load, dir, pkg = discover.Load, download(t, module), importpath
	}
	app, err := load(context.Background(), dir, pkg)
	if err != nil {
		t.Fatal(err)
	}
	switch proposals := app.Proposals(); {
	case len(proposals) == 0:
		return "none"
	case len(proposals[0].Weak) > 0:
		return health.DefaultTest
	default:
		return proposals[0].Test.String()
	}
}

// download returns the directory in which Go keeps a module.
func download(t *testing.T, module string) string {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Stderr = t.TempDir(), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m.Dir
}

// TestCancel reads a large app whose reader loses patience.
func TestCancel(t *testing.T) {
	dir := large(t)
	for _, after := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond} {
		ctx, cancel := context.WithTimeoutCause(context.Background(), after, fmt.Errorf("no patience"))
		defer cancel()
		if app, err := discover.Load(ctx, dir, "."); err == nil && app == nil || after == 0 && err == nil {
			t.Errorf("app %v, error %v", app, err)
		}
	}
}

// TestLarge reads an app of 2,000 functions, 300 routes and 40 mounts.
func TestLarge(t *testing.T) {
	app, err := discover.Load(context.Background(), large(t), ".")
	if err != nil {
		t.Fatal(err)
	}
	if app.Broken != nil {
		t.Fatal(app.Broken)
	}
	if p := app.Proposals(); len(p) == 0 || p[0].Test.String() != "http://:8080/healthz" {
		t.Errorf("proposals: %+v", p)
	}
}

func BenchmarkLarge(b *testing.B) {
	dir := large(b)
	for b.Loop() {
		if _, err := discover.Load(context.Background(), dir, "."); err != nil {
			b.Fatal(err)
		}
	}
}

// large writes an app of 2,000 functions that call their neighbours, of 300 routes, and of 40
// mounts of routers below each other and themselves.
func large(t testing.TB) string {
	const functions, routes, mounts, routers = 2000, 300, 40, 8
	var b strings.Builder
	b.WriteString("package main\n\nimport \"net/http\"\n\nfunc main() {\n\tvar mux [8]*http.ServeMux\n")
	for i := range routers {
		fmt.Fprintf(&b, "\tm%d := http.NewServeMux()\n\tmux[%d] = m%d\n", i, i, i)
	}
	for i := range mounts {
		fmt.Fprintf(&b, "\tm%d.Handle(\"/p%d/\", http.StripPrefix(\"/p%d\", wrap(m%d)))\n", i%routers, i, i, (i*3+i/routers)%routers)
	}
	for i := range routes {
		fmt.Fprintf(&b, "\tm%d.HandleFunc(f%d(\"/r%d\")+\"/healthz\", handler)\n", i%routers, i%functions, i)
	}
	b.WriteString("\tm0.HandleFunc(\"/healthz\", handler)\n\thttp.ListenAndServe(\":8080\", wrap(m0))\n}\n\n")
	b.WriteString("func wrap(h http.Handler) http.Handler {\n\treturn http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })\n}\n\n")
	b.WriteString("func handler(http.ResponseWriter, *http.Request) {}\n")
	for i := range functions {
		fmt.Fprintf(&b, "\nfunc f%d(s string) string {\n\tif len(s) > %d {\n\t\treturn f%d(s)\n\t}\n\treturn f%d(f%d(s))\n}\n",
			i, i, max(i-1, 0), min(i+1, functions-1), min(i+3, functions-1))
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com\n\ngo 1.22\n", "main.go": b.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
