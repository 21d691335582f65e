package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/lint"
)

// fixesSample bounds how many fixes that make an image are tried, of each file of cases.
const fixesSample = 4

// fixes has the engine run what lint proposes in the place of checks that cannot pass. It
// passes, where the app is there that it asks.
func (j *verdicts) fixes(t *testing.T, outcomes []verdictOutcome) {
	tried, made := map[string]bool{}, 0
	for _, together := range inFiles(outcomes) {
		findings, err := j.lint(t, together)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range together {
			for _, f := range findings {
				if f.Container != containerName(i) || f.Severity != lint.Error || f.Fix == "" || tried[o.Image+f.Fix] || o.Written.Kind != 0 || strings.Contains(f.Fix, notServed) {
					continue
				}
				tried[o.Image+f.Fix] = true
				if makes := strings.HasPrefix(f.Fix, "kohealth "); makes {
					if made++; made > fixesSample {
						continue
					}
				}
				j.fix(t, o, f.Fix)
			}
		}
	}
}

// notServed is a path where the app of the images answers nothing good.
const notServed = "/nope"

// fix does what a fix says: it makes another image, if it says so, and runs the check.
func (j *verdicts) fix(t *testing.T, o verdictOutcome, fix string) {
	image := j.engine.images.ref(o.Image)
	if strings.HasPrefix(fix, "kohealth ") {
		var command string
		command, fix, _ = strings.Cut(fix, "\n")
		image = j.engine.images.fixed(command)
	}
	_, list, _ := strings.Cut(fix, `"command": `)
	var test []string
	if err := json.NewDecoder(strings.NewReader(list)).Decode(&test); err != nil {
		t.Errorf("%s: %q: parsing the fix %q: %v", o.Image, o.test, fix, err)
		return
	}
	healthy, log, err := j.engine.sharedOf(t.Context(), image, o.verdictCase, test)
	if err != nil {
		t.Fatal(err)
	}
	if !healthy {
		t.Errorf("%s: %q: the fix %q is unhealthy, too: %s", o.Image, o.test, test, log)
	}
}

// fixed makes an image as a fix says, and returns its reference.
func (m *verdictImages) fixed(command string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refs[command] != "" {
		return m.refs[command]
	}
	dir := m.TempDir()
	m.write(filepath.Join(dir, "go.mod"), "module example.com/verdict\n\ngo 1.24\n")
	app, err := os.ReadFile(filepath.Join(topDir, "testdata", "apps", "verdict", "main.go"))
	m.check(err)
	m.write(filepath.Join(dir, "cmd", "app", "main.go"), string(app))
	env := append(m.environment(), "PATH="+m.dir+":"+os.Getenv("PATH"), "KO_DEFAULTBASEIMAGE=kohealth.local/static")
	ref := m.run(dir, env, "sh", "-c", command)
	m.run(dir, nil, "docker", "pull", "-q", ref)
	m.refs[command] = ref
	return ref
}
