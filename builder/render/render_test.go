package render_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/render"
)

var update = os.Getenv("UPDATE") != "" // UPDATE=1 go test ./builder/render rewrites the goldens

// TestGolden renders the check of every file in testdata/render in all formats. What
// comes out stands in the same file, notes and errors behind their own headings.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "render", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			old, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: old.Comment, Files: old.Files[:1]}
			check := readCheck(t, old.Files[0].Data)
			for _, f := range render.Formats() {
				got.Files = append(got.Files, renderAs(f.Name, render.Request{Check: check, Image: "example.com/app:v1"})...)
			}
			if update {
				if err := os.WriteFile(name, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(old)), string(txtar.Format(got))); diff != "" {
				t.Errorf("(-want +got); UPDATE=1 mends it:\n%s", diff)
			}
		})
	}
}

func readCheck(t *testing.T, data []byte) health.Config {
	t.Helper()
	got, err := health.OfImage([]byte(`{"config":{"Healthcheck":` + string(data) + `}}`))
	if err != nil || got == nil {
		t.Fatalf("%s: %v", data, err)
	}
	return *got
}

func renderAs(format string, req render.Request) (files []txtar.File) {
	out, err := render.As(format, req)
	if err != nil {
		text := err.Error() + "\n"
		if h := hint.Of(err); h != "" {
			text += "hint: " + h + "\n"
		}
		return []txtar.File{{Name: format + " error", Data: []byte(text)}}
	}
	files = append(files, txtar.File{Name: format, Data: []byte(out.Text)})
	if len(out.Notes) > 0 {
		files = append(files, txtar.File{Name: format + " notes", Data: []byte(strings.Join(out.Notes, "\n") + "\n")})
	}
	return files
}

// TestECSRanges takes numbers at and beyond ECS's limits, and fractions of seconds.
func TestECSRanges(t *testing.T) {
	limits := health.ECS()
	check := func(change func(*health.Config)) health.Config {
		c := health.Config{Test: []string{"CMD", "/x"}, Interval: limits.Interval.Max, Timeout: limits.Timeout.Min, Retries: 1}
		change(&c)
		return c
	}
	for _, tt := range []struct {
		key    string
		takes  health.Range
		change func(c *health.Config, d time.Duration)
	}{
		{"interval", limits.Interval, func(c *health.Config, d time.Duration) { c.Interval = d }},
		{"timeout", limits.Timeout, func(c *health.Config, d time.Duration) { c.Timeout = d }},
		{"start_period", limits.StartPeriod, func(c *health.Config, d time.Duration) { c.StartPeriod = d }},
	} {
		for d, ok := range map[time.Duration]bool{
			tt.takes.Min + time.Second: true, tt.takes.Max: true, tt.takes.Max + time.Second: false, tt.takes.Max - time.Second/2: false,
		} {
			_, _, err := render.ECS(check(func(c *health.Config) { tt.change(c, d) }))
			if (err == nil) != ok || !ok && !strings.Contains(err.Error(), tt.key) {
				t.Errorf("%s %s: %v", tt.key, d, err)
			}
		}
	}
	for retries, ok := range map[int]bool{1: true, limits.MaxRetries: true, limits.MaxRetries + 1: false} {
		if _, _, err := render.ECS(check(func(c *health.Config) { c.Retries = retries })); (err == nil) != ok {
			t.Errorf("%d retries: %v", retries, err)
		}
	}
}

// TestECS checks that the two ways to have ECS's form agree.
func TestECS(t *testing.T) {
	c := health.Config{Test: []string{"CMD", "/x", "<&>\u2028\x7f"}, Interval: time.Minute, Timeout: 2 * time.Second, Retries: 1, StartPeriod: time.Second, StartInterval: 2 * time.Second}
	hc, notes, err := render.ECS(c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := render.As("ecs", render.Request{Check: c})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ HealthCheck render.ECSHealthCheck }
	if err := json.Unmarshal([]byte(out.Text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hc, got.HealthCheck); diff != "" {
		t.Errorf("(-ECS +As):\n%s", diff)
	}
	if diff := cmp.Diff(notes, out.Notes); diff != "" || len(notes) != 1 {
		t.Errorf("notes %q (-ECS +As):\n%s", notes, diff)
	}
	if _, _, err := render.ECS(health.Config{Test: []string{"CMD", "x"}, Timeout: time.Hour}); err == nil {
		t.Error("a timeout of an hour is taken")
	}
	for retries, ok := range map[int]bool{1: true, 10: true, 11: false} {
		_, _, err := render.ECS(health.Config{Test: []string{"CMD", "x"}, Retries: retries})
		if (err == nil) != ok {
			t.Errorf("%d retries: %v", retries, err)
		}
	}
}

// TestKubernetesRounds checks that a startup probe never ends before Docker would have
// counted enough failures.
func TestKubernetesRounds(t *testing.T) {
	for start, want := range map[time.Duration]string{3 * time.Second: "failureThreshold: 14", 4 * time.Second: "failureThreshold: 10"} {
		out, err := render.As("kubernetes", render.Request{Check: health.Config{
			Test: []string{"CMD", "/x"}, Interval: 10 * time.Second, Timeout: time.Second, Retries: 3, StartPeriod: 10 * time.Second, StartInterval: start,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.Text, want) {
			t.Errorf("every %s: no %q in\n%s", start, want, out.Text)
		}
	}
}

// TestStart checks what becomes of a start period that is not there, and of a start interval
// that is not.
func TestStart(t *testing.T) {
	for _, tt := range []struct {
		format string
		check  health.Config
		want   string // in the text
		no     string // not in it
	}{
		{"kubernetes", health.Config{Interval: 7 * time.Second}, "initialDelaySeconds: 7", "startupProbe"},
		{"kubernetes", health.Config{Interval: 2 * time.Second, Retries: 1, StartPeriod: 4 * time.Second}, "failureThreshold: 3", "initialDelaySeconds"},
		{"kubernetes", health.Config{Interval: time.Minute, Retries: 1, StartPeriod: 4 * time.Second}, "periodSeconds: 5", "initialDelaySeconds"},
		{"docker", health.Config{StartInterval: 2 * time.Second}, "interval=30s", "start-interval"},
		{"docker", health.Config{StartInterval: 2 * time.Second, StartPeriod: time.Second}, "start-interval=2s", "startInterval"},
	} {
		tt.check.Test = []string{"CMD", "x"}
		out, err := render.As(tt.format, render.Request{Check: tt.check})
		if err != nil || !strings.Contains(out.Text, tt.want) || strings.Contains(out.Text, tt.no) {
			t.Errorf("%s of %+v: %v, got\n%s\nwant %q and no %q", tt.format, tt.check, err, out.Text, tt.want, tt.no)
		}
	}
}

func TestErrors(t *testing.T) {
	cmd := func(args ...string) health.Config { return health.Config{Test: append([]string{"CMD"}, args...)} }
	for _, tt := range []struct {
		format string
		check  health.Config
		want   string
	}{
		{"ecz", cmd("x"), `unknown format "ecz"`},
		{"ecs", health.Config{}, "it is empty"},
		{"ecs", health.Config{Test: []string{"NONE"}}, "switches the check off"},
		{"ecs", health.Config{Test: []string{"curl", "x"}}, "none of CMD, CMD-SHELL and NONE"},
		{"ecs", health.Config{Test: []string{"CMD"}}, "CMD needs a program"},
		{"ecs", health.Config{Test: []string{"CMD-SHELL"}}, "CMD-SHELL needs one command"},
		{"ecs", health.Config{Test: []string{"CMD-SHELL", "a", "b"}}, "CMD-SHELL needs one command"},
		{"ecs", cmd("x\x00"), "NUL"},
		{"ecs", health.Config{Test: []string{"CMD", "x"}, Interval: -1}, "negative"},
		{"cloudformation", health.Config{Test: []string{"CMD", "{{resolve:ssm:x}}"}, Timeout: 2 * time.Second}, "would replace {{resolve:"},
		{"cdk", health.Config{Test: []string{"CMD", "{{resolve:ssm:x}}"}, Timeout: 2 * time.Second}, "would replace {{resolve:"},
		{"cdk", health.Config{Test: []string{"CMD", "${Token[TOKEN.1]}"}, Timeout: 2 * time.Second}, "would replace ${Token["},
		{"cdk", health.Config{Test: []string{"CMD", "x"}, Interval: 5 * time.Second, Timeout: 6 * time.Second}, "longer than the interval"},
		{"terraform", cmd("e\u0301"), "NFC"},
		{"nomad", cmd("e\u0301"), "NFC"},
		{"nomad", cmd("${PORT}"), "would be replaced by Nomad"},
		{"copilot", cmd(`["x"]`), "would become a list"},
		{"copilot", cmd(`\${PORT}`), "lose its backslash"},
		{"podman", cmd("/a b"), "would be a shell command"},
		{"podman", cmd("none", "a b"), "would be a keyword"},
		{"quadlet", cmd(`x\`), "would be changed by Quadlet"},
		{"kubernetes", health.Config{Test: []string{"CMD", "x"}, Interval: 100_000 * time.Hour * 24}, "2147483647"},
		{"kubernetes", health.Config{Test: []string{"CMD", "x"}, Interval: 1_000_000 * time.Second, Retries: 1_000_000_000, StartPeriod: 1}, "start_period 1ns"},
		{"kubernetes", health.Config{Test: []string{"CMD", "x"}, Timeout: 100_000 * time.Hour * 24}, "2147483647"},
		{"ecs", health.Config{Test: []string{"CMD-SHELL", ""}}, "CMD-SHELL needs one command"},
		{"docker", health.Config{Test: []string{"CMD", "x"}, Retries: math.MaxInt32 + 1}, "too large"},
	} {
		_, err := render.As(tt.format, render.Request{Check: tt.check})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s of %q: error %v, want one with %q", tt.format, tt.check.Test, err, tt.want)
		}
	}
}

// TestWindows checks that a shell command of an image for Windows is run by its shell.
func TestWindows(t *testing.T) {
	check := health.Config{Test: []string{"CMD-SHELL", `dir C:\alive`}, StartPeriod: time.Minute}
	for format, want := range map[string]string{
		"kubernetes": `command: ["cmd", "/S", "/C", "dir C:\\alive"]`,
		"nomad":      `args     = ["/S", "/C", "dir C:\\alive"]`,
	} {
		out, err := render.As(format, render.Request{Check: check, Windows: true})
		if err != nil || !strings.Contains(out.Text, want) {
			t.Errorf("%s: %v, got\n%s\nwant %s", format, err, out.Text, want)
		}
	}
}

// FuzzImage renders whatever is in the config of an image: nothing panics, and no
// output holds a character that a terminal acts on.
func FuzzImage(f *testing.F) {
	for _, s := range []string{
		`{"config":{"Healthcheck":{"Test":["CMD","/usr/bin/healthcheck","http://:80/"],"Interval":10000000000,"StartPeriod":1,"StartInterval":1,"Retries":2147483647}}}`,
		`{"config":{"Healthcheck":{"Test":["CMD-SHELL","a\u001b[2J\n"],"Interval":9223372036854775807,"Timeout":1,"StartPeriod":9223372036854775807}}}`,
		`{"config":{"Healthcheck":{"Test":["NONE"]}}}`, `{"config":{"Healthcheck":{"Test":["CMD","\u0000"],"Retries":-1}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		check, err := health.OfImage(config)
		if err != nil || check == nil {
			return
		}
		for _, format := range render.Formats() {
			out, err := render.As(format.Name, render.Request{Check: *check})
			all := out.Text + strings.Join(out.Notes, "")
			if err != nil {
				all += err.Error()
			}
			if strings.ContainsFunc(all, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
				t.Errorf("%s of %s holds a control character: %q", format.Name, config, all)
			}
		}
	})
}

// TestNative checks which checks the kubelet does by itself, and that --exec keeps it
// from that.
func TestNative(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // in the output, or in a note
	}{
		{[]string{"http://:80/a?b=c"}, "path: /a?b=c"},
		{[]string{"-timeout=1s", "-log=false", "-v", "-json", "http://localhost:80"}, "httpGet:"},
		{[]string{"-header", "A: b", "http://:80/"}, "value: b"},
		{[]string{"-insecure", "https://:443/"}, "scheme: HTTPS"},
		{[]string{"tcp://:1"}, "tcpSocket:"},
		{[]string{"grpc://:1/a.B"}, "service: a.B"},
		{[]string{"https://:443/"}, "verifies no certificate"},
		{[]string{"-insecure", "-servername=a", "https://:443/"}, "verifies no certificate"},
		{[]string{"http://127.0.0.1:80/"}, "127.0.0.1 for the node's"},
		{[]string{"http://:${PORT}/"}, "variable"},
		{[]string{"http://:80/", "tcp://:1"}, "one target"},
		{[]string{"-status=200", "http://:80/"}, "-status"},
		{[]string{"-method=HEAD", "http://:80/"}, "-method"},
		{[]string{"-body=x", "http://:80/"}, "-body"},
		{[]string{"-http2", "http://:80/"}, "-http2"},
		{[]string{"http://:80//x"}, "another path"},
		{[]string{"http://:80/%zz"}, "another path"},
		{[]string{"-header", "a: b", "grpc://:1"}, "nothing like it"},
		{[]string{"auto"}, "nothing like it"},
		{[]string{"unix:///x"}, "nothing like it"},
		{[]string{"-wrong"}, "not the probe's"},
	} {
		req := render.Request{Check: health.Config{Test: append([]string{"CMD", health.ProbePath}, tt.args...)}}
		out, err := render.As("kubernetes", req)
		if err != nil {
			t.Fatal(err)
		}
		if all := out.Text + strings.Join(out.Notes, "\n"); !strings.Contains(all, tt.want) {
			t.Errorf("%q: got\n%s\nwant %q", tt.args, all, tt.want)
		}
		req.Exec = true
		if out, err = render.As("kubernetes", req); err != nil || !strings.Contains(out.Text, "exec:") || len(out.Notes) > 0 {
			t.Errorf("%q with Exec: %v, notes %q\n%s", tt.args, err, out.Notes, out.Text)
		}
	}
}
