package lint_test

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"context"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
)

// found writes findings as "severity rule".
func found(t *testing.T, findings []lint.Finding, err error) (list []string) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	for _, f := range findings {
		list = append(list, f.Severity.String()+" "+f.Rule)
	}
	return list
}

// openOf opens the images of descriptions by their names.
func openOf(t *testing.T, descriptions map[string]string) func(context.Context, string, v1.Platform) (v1.Image, error) {
	t.Helper()
	return func(_ context.Context, ref string, _ v1.Platform) (v1.Image, error) {
		return describe(descriptions[ref])
	}
}

const (
	alpine = "layer\n/bin/busybox elf amd64\n/bin/sh -> busybox\n/usr/bin/wget -> /bin/busybox\n"
	ours   = "made by kohealth\nconfig {\"Entrypoint\": [\"/ko-app/x\"], \"Cmd\": [\"serve\"]}\nlayer\n/usr/bin/healthcheck elf amd64\n/server elf amd64\n"
)

// Flags of run count as the engine reads them, and the image's settings where there are none.
func TestRunLine(t *testing.T) {
	open := openOf(t, map[string]string{"alpine": alpine, "ours": ours,
		"checked": "config {\"Healthcheck\": {\"Test\": [\"CMD\", \"curl\"]}}\n" + alpine})
	for line, want := range map[string][]string{
		"docker run alpine": {"info unchecked"},
		"docker run --health-cmd=wget|-qO-|http://127.0.0.1/ --health-start-period 9s alpine":             nil,
		"docker run --health-cmd curl|-f|http://127.0.0.1/ --health-start-period=9s alpine":               {"error no-program"},
		"nerdctl container create --health-cmd curl|-f|http://127.0.0.1/ --health-start-period 9s alpine": {"error no-program"},
		"docker run --health-start-period 9s checked":                                                     {"error no-program"},
		"docker run --no-healthcheck --health-start-period 9s checked":                                    {"info check-overridden"},
		"docker run --health-cmd=  checked":                                                               nil,
	} {
		findings, err := lint.RunLine(t.Context(), words(line), lint.Options{Open: open})
		if got := found(t, findings, err); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// words splits a command line at spaces; a bar stands for a space within a word.
func words(line string) []string {
	list := strings.Fields(line)
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "|", " ")
	}
	return list
}

// Without an image, what the engine says is judged alone.
func TestRunningWithoutImage(t *testing.T) {
	check := &health.Config{Test: []string{"CMD", "curl", "-f", "http://127.0.0.1/", "||", "exit", "1"}}
	findings, err := lint.Running(t.Context(), "app", lint.Run{Check: check}, nil, lint.Options{})
	if got := found(t, findings, err); !slices.Contains(got, "error needs-shell") {
		t.Errorf("%q", got)
	}
}
