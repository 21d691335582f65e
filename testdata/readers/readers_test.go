package readers

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/render"
)

// readers returns what reads each format. A reader returns the check with 0 for what
// the format does not have.
func readers() map[string]func(text string) (health.Config, error) {
	return map[string]func(string) (health.Config, error){
		"ecs":            readECS,
		"compose":        readCompose,
		"cloudformation": readCloudFormation,
		"terraform":      readTerraform,
		"copilot":        readCopilot,
		"kubernetes":     readKubernetes,
		"quadlet":        readQuadlet,
		"nomad":          readNomad,
		"docker":         readDocker,
		"podman":         readPodman,
		"nerdctl":        readDocker,
	}
}

// TestReaders reads what testdata/render holds.
func TestReaders(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "render", "*.txtar"))
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		check, err := health.OfImage([]byte(`{"config":{"Healthcheck":` + string(archive.Files[0].Data) + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			for _, f := range archive.Files[1:] {
				if read := readers()[f.Name]; read != nil && !strings.Contains(string(f.Data), "httpGet:") && !strings.Contains(string(f.Data), "Socket:") && !strings.Contains(string(f.Data), "grpc:") {
					compare(t, f.Name, *check, string(f.Data))
				}
			}
		})
	}
}

// compare checks that a format's reader reads the check.
func compare(t *testing.T, format string, check health.Config, text string) {
	t.Helper()
	got, err := readers()[format](text)
	if err != nil {
		t.Errorf("%s: %v\n%s", format, err, text)
		return
	}
	want := expected(format, check)
	if late := got.StartPeriod - want.StartPeriod; format == "kubernetes" && late >= 0 && (late < got.StartInterval || late == 0) {
		got.StartPeriod, got.StartInterval = want.StartPeriod, 0 // it ends with a check
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-rendered +read):\n%s\n%s", format, diff, text)
	}
}

// expected returns what a reader has to read: Docker's defaults, and what the format
// has.
func expected(format string, c health.Config) health.Config {
	if c.Interval == 0 {
		c.Interval = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Retries == 0 {
		c.Retries = 3
	}
	if c.StartPeriod == 0 || format != "compose" && format != "docker" {
		c.StartInterval = 0
	}
	switch format {
	case "docker", "nerdctl":
		c.Test = nil // in the image
	case "kubernetes", "nomad":
		if c.Test[0] == "CMD-SHELL" {
			c.Test = []string{"CMD", "/bin/sh", "-c", c.Test[1]}
		}
	}
	return c
}

// refusals are what a format may refuse of a command that is otherwise good.
func refusals() map[string][]string {
	dynamic := "CloudFormation would replace"
	return map[string][]string{
		"cloudformation": {dynamic},
		"terraform":      {"HCL would compose"},
		"copilot":        {"in Copilot"},
		"quadlet":        {"to Podman", "by Quadlet"},
		"podman":         {"to Podman"},
		"nomad":          {"HCL would compose", "replaced by Nomad"},
	}
}

// FuzzWords renders commands of any words, which are separated by NUL, and reads them
// again.
func FuzzWords(f *testing.F) {
	for _, s := range []string{
		"/usr/bin/healthcheck\x00http://:8080/healthz", "a b\x00c", "it's\x00\"q\"\x00`x`", "$\x00$$\x00$$$\x00${a}\x00$${a}\x00$$${a}\x00$(a)\x00$$(a)",
		"%\x00%%\x00%{a}\x00%%{a}\x00%h", "\\\x00\\\\\x00\\n\x00a\\", "a\nb\x00\t\x00\r\n", "\u2028\x00\u0085\x00\u0080\x00\ufeff\x00\U0001f389\x00e\u0301\x00\u200b",
		"yes\x00null\x001.0\x00~\x00- a\x00#b\x00a: b\x00*a\x00&a\x00!a\x00|\x00>", "[\"a\"]\x00{}\x00[]", "\x00", " \x00a", "CMD\x00a b", "NONE\x00x", "\x01\x00\x7f\x00\x1b[0m",
		"\\${a}\x00x", "{{resolve:ssm:x}}\x00x", "<\x00>\x00&\x00;\x00-\x00@x", "\"a\"", "\u00a0\x00\u3000",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(roundTrip)
}

// TestWords renders commands of the characters that formats take for their own, in
// combinations that are the same in every run.
func TestWords(t *testing.T) {
	alphabet := strings.Split("$ $ { } % \\ ' \" ` ( ) [ ] , : # a PORT \x00 \n \t ü 🎉 : - \u2028 \x7f", " ")
	alphabet = append(alphabet, " ", "${", "$$", "%{", "${a}", "$(")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		roundTrip(t, b.String(), i%3 == 0)
		if t.Failed() {
			return
		}
	}
}

// roundTrip renders a command of words that are separated by NUL, and reads it again.
func roundTrip(t *testing.T, s string, shell bool) {
	if !utf8.ValidString(s) {
		return // an image's config cannot hold it
	}
	check := health.Config{Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second, StartInterval: time.Second, Retries: 3}
	if check.Test = append([]string{"CMD"}, strings.Split(s, "\x00")...); shell {
		check.Test = []string{"CMD-SHELL", strings.ReplaceAll(s, "\x00", " ")}
	}
	if check.Test[1] == "" {
		return
	}
	for format := range readers() {
		out, err := render.As(format, render.Request{Check: check, Exec: format == "kubernetes"})
		if err != nil {
			if !slices.ContainsFunc(refusals()[format], func(r string) bool { return strings.Contains(err.Error(), r) }) {
				t.Errorf("%s refuses %q: %v", format, check.Test, err)
			}
			continue
		}
		compare(t, format, check, out.Text)
	}
}

// indent puts text below a key of YAML.
func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// durations parses durations of Go's, in the order of a check's fields.
func durations(c *health.Config, interval, timeout, startPeriod string) error {
	var errs [3]error
	c.Interval, errs[0] = time.ParseDuration(interval)
	c.Timeout, errs[1] = time.ParseDuration(timeout)
	c.StartPeriod, errs[2] = time.ParseDuration(startPeriod)
	return errors.Join(errs[:]...)
}
