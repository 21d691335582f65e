package lint_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/lint"
)

// TestFixes puts the fixes for Compose files and task definitions into them: there the finding
// is gone, and no other is in its place.
func TestFixes(t *testing.T) {
	tried := 0
	for _, name := range cases(t, "err") {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		o := optionsOf(t, archive)
		for _, f := range archive.Files {
			before, err := lint.File(t.Context(), f.Name, f.Data, o)
			if strings.HasPrefix(f.Name, "images/") || f.Name == "want" || err != nil {
				continue
			}
			for _, finding := range before {
				fixed := withFix(f.Data, finding)
				if fixed == nil {
					continue
				}
				tried++
				after, err := lint.File(t.Context(), f.Name, fixed, o)
				if worse := unlike(before, after, finding); err != nil || len(worse) > 0 {
					t.Errorf("%s: %s: %+v:\nafter the fix: %+v, %v", base(name), f.Name, finding, worse, err)
				}
			}
		}
	}
	t.Logf("%d fixes", tried)
	if tried < 80 {
		t.Error("hardly any fix was tried")
	}
}

// unlike returns the findings about a container that a fix has not mended, or has brought.
func unlike(before, after []lint.Finding, fixed lint.Finding) (worse []lint.Finding) {
	count := func(findings []lint.Finding, rule string) (n int) {
		for _, f := range findings {
			if f.Container == fixed.Container && f.Rule == rule {
				n++
			}
		}
		return n
	}
	for _, f := range after {
		same := f.Rule == fixed.Rule && count(after, f.Rule) >= count(before, f.Rule)
		if f.Container == fixed.Container && f.Severity > lint.Info && (same || count(before, f.Rule) == 0) {
			worse = append(worse, f)
		}
	}
	return worse
}

// withFix returns a file with a fix in it, or nil if that is no key with its value.
func withFix(data []byte, f lint.Finding) []byte {
	var file map[string]any
	var fix map[string]any
	if strings.HasPrefix(f.Fix, "kohealth ") || f.Fix == "" || yaml.Unmarshal(data, &file) != nil || yaml.Unmarshal([]byte(f.Fix), &fix) != nil {
		return nil
	}
	container, check := containerOf(file, f.Container)
	if container == nil {
		return nil
	}
	for key, value := range fix {
		inCheck := []string{"test", "command", "interval", "timeout", "retries", "start_period", "startPeriod"}
		own, _ := container[check].(map[string]any)
		switch {
		case !slices.Contains(inCheck, key):
			container[key] = value
		case own == nil:
			container[check] = map[string]any{key: value}
		default:
			own[key] = value
		}
	}
	fixed, err := json.Marshal(file)
	if err != nil {
		return nil
	}
	return fixed
}

// containerOf returns a service, or a container definition, and what its check is called.
func containerOf(file map[string]any, name string) (container map[string]any, check string) {
	if services, ok := file["services"].(map[string]any); ok {
		container, _ = services[name].(map[string]any)
		return container, "healthcheck"
	}
	definitions, _ := file["containerDefinitions"].([]any)
	for _, d := range definitions {
		if c, ok := d.(map[string]any); ok && c["name"] == name {
			return c, "healthCheck"
		}
	}
	return nil, ""
}
