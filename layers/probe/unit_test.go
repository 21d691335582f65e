package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

func TestReadLines(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    []string
		err     string
	}{
		{name: "lines", content: "-header\nX: a b\ntcp://:2\n", want: []string{"-header", "X: a b", "tcp://:2"}},
		{name: "no last line break", content: "tcp://:2", want: []string{"tcp://:2"}},
		{name: "CRLF", content: "-v\r\ntcp://:2\r\n", want: []string{"-v", "tcp://:2"}},
		{name: "empty line", content: "tcp://:2\n\n", want: []string{"tcp://:2", ""}},
		{name: "empty file", content: "\n", err: "no target is given, and FILE is empty: write one, such as http://:8080/healthz"},
		{name: "no file", err: "no target is given: reading FILE: no such file or directory: write one, such as http://:8080/healthz"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "healthcheck")
			if tt.content != "" {
				if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := readLines(file)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if msg := text(err); msg != strings.ReplaceAll(tt.err, "FILE", file) {
				t.Errorf("error %q, want %q", msg, tt.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestCommandFile shows what the file adds to the arguments.
func TestCommandFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "healthcheck")
	local := []probeargs.Target{{Scheme: "tcp", Port: 1}}
	tests := []struct {
		name    string
		args    []string
		content string // separated by |; "" is no file
		want    probeargs.Command
		voice   voice
		err     string
	}{
		{name: "a target needs no file", args: []string{"probe", "tcp://:1"}, want: probeargs.Command{Targets: local, Log: true}, voice: voice{log: true}},
		{name: "a target leaves the file out", args: []string{"probe", "tcp://:1"}, content: "-v|tcp://:2",
			want: probeargs.Command{Targets: local, Log: true}, voice: voice{log: true}},
		{name: "nothing", args: []string{"probe"}, content: "-log=false|tcp://:1", want: probeargs.Command{Targets: local}},
		{name: "no name either", content: "tcp://:1", want: probeargs.Command{Targets: local, Log: true}, voice: voice{log: true}},
		{name: "-v", args: []string{"probe", "-v"}, content: "-timeout=2s|tcp://:1",
			want: probeargs.Command{Targets: local, Log: true, Timeout: 2e9, Verbose: true}, voice: voice{log: true}},
		{name: "own flags win", args: []string{"probe", "-timeout", "9s", "-log", "-header=A: b"}, content: "-log=false|-header|B: c|-header=C: d|-timeout=2s|http://:1/",
			want: probeargs.Command{Targets: []probeargs.Target{{Scheme: "http", Port: 1, Path: "/"}}, Log: true, Timeout: 9e9,
				Header: []probeargs.Header{{Name: "A", Value: "b"}}}, voice: voice{log: true}},
		{name: "flags end for themselves", args: []string{"probe", "-v", "--"}, content: "-json|tcp://:1",
			want: probeargs.Command{Targets: local, Log: true, JSON: true, Verbose: true}, voice: voice{log: true, json: true}},
		{name: "error in the file", args: []string{"probe", "-json"}, content: "-log=false|-stats|tcp://:1", voice: voice{json: true},
			err: `FILE: unknown flag "-stats"`},
		{name: "error in the arguments", args: []string{"probe", "-stats"}, content: "-log=false|tcp://:1", voice: voice{log: true}, err: `unknown flag "-stats"`},
		{name: "twice in the file", args: []string{"probe", "-v"}, content: "-log|-log|tcp://:1", voice: voice{log: true}, err: "FILE: flag -log is given twice"},
		{name: "no target in the file", args: []string{"probe", "-v"}, content: "-log", voice: voice{log: true},
			err: "FILE: no target is given: write one, such as http://:8080/healthz"},
		{name: "no file", args: []string{"probe", "-v"}, voice: voice{log: true}, err: "no target is given: reading FILE: no such file or directory: write one, such as http://:8080/healthz"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			if tt.content != "" {
				if err := os.WriteFile(file, []byte(strings.ReplaceAll(tt.content, "|", "\n")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var v voice
			got, err := command(tt.args, file, &v)
			if msg := text(err); !strings.HasPrefix(msg, strings.ReplaceAll(tt.err, "FILE", file)) || tt.err == "" && msg != "" {
				t.Fatalf("error %q, want %q", msg, tt.err)
			}
			if tt.err == "" {
				if diff := cmp.Diff(&tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
			if v != tt.voice {
				t.Errorf("voice %+v, want %+v", v, tt.voice)
			}
		})
	}
}

// TestRunFile runs what the file says.
func TestRunFile(t *testing.T) {
	l := listen(t, "tcp4")
	serve(t, l, answer(ok200))
	file := filepath.Join(t.TempDir(), "healthcheck")
	if err := os.WriteFile(file, []byte("-log=false\n-status\n200\nhttp://:"+port(l)+"/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"probe"}, {"probe", "-timeout=9s"}} {
		if code := run(args, file); code != healthy {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

func TestWantedVoice(t *testing.T) {
	for arg, want := range map[string]voice{
		"-log": {log: true}, "-log=true": {log: true}, "-log=false": {}, "--log=false": {}, "-log=0": {}, "json": {log: true},
		"-json": {log: true, json: true}, "--json=1": {log: true, json: true}, "-json=false": {log: true},
	} {
		if got := wantedVoice([]string{"-x", arg}); got != want {
			t.Errorf("%s: %v", arg, got)
		}
	}
}

func TestPanicText(t *testing.T) {
	for want, p := range map[string]any{
		"internal error: x":   errors.New("x"),
		"internal error: why": "why",
		"internal error":      1,
	} {
		if got := panicText(p); got != want {
			t.Errorf("%v: %q", p, got)
		}
	}
}

func targetOf(t *testing.T, s string) probeargs.Target {
	t.Helper()
	cmd, err := probeargs.Parse([]string{s}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Targets[0]
}

// TestPanic shows that a panic in a check becomes its message.
func TestPanic(t *testing.T) {
	target := targetOf(t, "http://:1/")
	c := check{cmd: nil, deadline: now() + probeargs.Second} // without a command line, it cannot go well
	if got, want := c.outcome(target).line(), "unhealthy: http://:1/: internal error: "; !strings.HasPrefix(got, want) {
		t.Errorf("%q does not begin with %q", got, want)
	}
}

func TestWithin(t *testing.T) {
	if !within(60*probeargs.Second, func() {}) {
		t.Error("what ends at once does not end within a minute")
	}
	block := make(chan struct{})
	defer close(block)
	if within(probeargs.Millisecond, func() { <-block }) {
		t.Error("what does not end ends within a millisecond")
	}
	if within(60*probeargs.Second, func() { panic("x") }) {
		t.Error("what panics ends well")
	}
}

// TestFileTimeout shows, to the race detector, that a check which has given up on a file
// no longer looks at what may come of it.
func TestFileTimeout(t *testing.T) {
	target := targetOf(t, "file://"+filepath.ToSlash(t.TempDir())+"?max_age=1h")
	for range 1000 {
		c := check{cmd: &probeargs.Command{}, deadline: now() - 1}
		if got := text(c.outcome(target).err); got != "" && got != "reading the time of modification: timed out" {
			t.Fatalf("%q", got)
		}
	}
}

func TestDurationText(t *testing.T) {
	for want, d := range map[string]probeargs.Duration{
		"0ms": 0, "0.1ms": 1, "0.3ms": 210e3, "1ms": probeargs.Millisecond, "2.8ms": 2701e3,
		"12ms": 12 * probeargs.Millisecond, "13ms": 12*probeargs.Millisecond + 1, "1s": probeargs.Second, "2.7s": 2700 * probeargs.Millisecond,
		"75s": 75 * probeargs.Second, "3600s": 3600 * probeargs.Second,
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("x", maxSnippet)
	for in, want := range map[string]string{
		"":           `""`,
		" a\tb \r\n": `"a\tb"`,
		long:         `"` + long + `"`,
		long + "y":   `"` + long + `"...`,
		strings.Repeat("x", maxSnippet-1) + "éé": `"` + strings.Repeat("x", maxSnippet-1) + `"...`,
		strings.Repeat("\x80", 300):              `"` + strings.Repeat(`\x80`, maxSnippet-4) + `"...`,
	} {
		if got := snippet([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
