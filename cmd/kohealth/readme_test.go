package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
)

var readmePath = filepath.Join("..", "..", "README.md")

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks returns the README's fenced blocks of a language.
func blocks(t *testing.T, language string) (blocks []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(readme(t), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no %s blocks", language)
	}
	return blocks
}

// TestReadmeCommands runs every kohealth command of the README.
func TestReadmeCommands(t *testing.T) {
	var script strings.Builder
	script.WriteString("env KOHEALTH_HEALTH_REPOSITORY=$PACKAGES\nenv KOHEALTH_HEALTH_KEY=$KEY\n")
	for _, block := range blocks(t, "console") {
		for line := range strings.Lines(block) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			command, _, _ = strings.Cut(command, "#")
			switch {
			case !isCommand:
			case strings.HasPrefix(command, "kohealth "):
				script.WriteString("exec " + strings.TrimSpace(command) + "\n")
			case strings.HasPrefix(command, "export KO_DEFAULTBASEIMAGE="):
				script.WriteString("env " + strings.TrimPrefix(command, "export ") + "\n")
			}
		}
	}
	script.WriteString("-- go.mod --\nmodule example.com\n\ngo 1.22\n-- config/app.yaml --\nimage: ko://example.com/cmd/app\n-- cmd/app/main.go --\npackage main\n\nfunc main() {}\n")
	script.WriteString("-- task-definition.json --\n" + blocks(t, "json")[1])
	params := scriptParams(t)
	params.Dir, params.UpdateScripts = t.TempDir(), false
	if err := os.WriteFile(filepath.Join(params.Dir, "readme.txtar"), []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

// TestReadmeConfiguration reads every .ko.yaml of the README, and checks that the first
// one shows the defaults.
func TestReadmeConfiguration(t *testing.T) {
	var files []health.File
	for _, block := range blocks(t, "yaml") {
		name := filepath.Join(t.TempDir(), ".ko.yaml")
		if err := os.WriteFile(name, []byte(block), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := health.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	shown := files[0].For(health.BuildID{})
	got, err := shown.Check()
	if err != nil {
		t.Fatal(err)
	}
	want, err := health.Settings{Test: shown.Test}.Check()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the README calls the defaults (-default +README):\n%s", diff)
	}
}

// TestReadmeTests parses what the README says a test can be.
func TestReadmeTests(t *testing.T) {
	_, table, _ := strings.Cut(readme(t), "| test | healthy when |")
	table, _, _ = strings.Cut(table, "\n\n")
	tests := regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(table, -1)
	if len(tests) < 9 {
		t.Fatalf("found %d tests in the README", len(tests))
	}
	for _, m := range tests {
		for _, quoted := range regexp.MustCompile("`(.*?)`").FindAllStringSubmatch(m[1], -1) {
			if _, err := health.ParseTest(quoted[1]); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestReadmeFlags checks that the README lists kohealth's own flags.
func TestReadmeFlags(t *testing.T) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	addHealthFlags(set)
	checkSection(t, "flags", "```\n"+set.FlagUsagesWrapped(110)+"```\n")
}

// TestReadmeFormats checks that the README lists what kohealth render can print.
func TestReadmeFormats(t *testing.T) {
	table := "| format | |\n| --- | --- |\n"
	for _, f := range render.Formats() {
		table += "| `" + f.Name + "` | " + f.About + " |\n"
	}
	checkSection(t, "formats", table)
}

// TestReadmeECS checks that the README shows what render prints for its first image.
func TestReadmeECS(t *testing.T) {
	var settings health.Settings
	if err := settings.Set(health.KeyTest, "http://:8080/healthz"); err != nil {
		t.Fatal(err)
	}
	check, err := settings.Check()
	if err != nil {
		t.Fatal(err)
	}
	out, err := render.As("ecs", render.Request{Check: check.Config()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.Text, blocks(t, "json")[0]); diff != "" {
		t.Errorf("the README's healthCheck (-rendered +README):\n%s", diff)
	}
}

// checkSection checks what the README holds between the markers of the given name;
// UPDATE=1 rewrites it.
func checkSection(t *testing.T, name, want string) {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	text := readme(t)
	before, rest, _ := strings.Cut(text, begin)
	old, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("the README has no place for the %s", name)
	}
	if update {
		if err := os.WriteFile(readmePath, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("%s in the README (-want +got); UPDATE=1 go test ./cmd/kohealth mends it:\n%s", name, diff)
	}
}

// TestReadmeRules checks that the README lists lint's rules, and shows what lint says
// of the case that it was made for.
func TestReadmeRules(t *testing.T) {
	table := "| rule | | |\n| --- | --- | --- |\n"
	for _, r := range lint.Rules() {
		table += fmt.Sprintf("| [`%s`](%s) | %s | %s |\n", r.ID, r.Source, r.Severity, strings.ReplaceAll(r.Doc, "|", `\|`))
	}
	checkSection(t, "rules", table)

	seed, err := os.ReadFile(filepath.Join("..", "..", "testdata", "lint", "err", "seed.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	_, found, ok := strings.Cut(string(seed), "-- want --\n")
	if !ok {
		t.Fatal("the case has no findings")
	}
	checkSection(t, "lint", "```text\n$ kohealth lint task-definition.json\n"+found+"```\n")
}
