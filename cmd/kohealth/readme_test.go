package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/gotooltest"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/probeargs"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// TestReadme keeps README.md and docs true: every command, example, generated part and
// sentence with a number. UPDATE=1 rewrites what is generated.
func TestReadme(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"formats": testRenderFormats, "flags": testFlagList, "commands": testCommandTable, "rules": testRuleTable, "lint formats": testFormatTable,
		"lint": testLintExample, "image": testImageExample, "terminal": testTerminal, "inputs": testActionTables,
		"configuration": testConfigurationExamples, "tests": testTestTable, "ecs": testECSExample, "policy": testPolicy,
		"dockerfiles": testDockerfiles, "terraform": testTerraform, "languages": testLanguages, "limits": testLimitSentences, "release": testReleaseURL,
		"links": testLinks, "length": testReadmeLength,
	} {
		t.Run(name, test)
	}
	t.Run("guides", runGuides)
}

// runGuides runs what the documents tell their readers to run.
func runGuides(t *testing.T) {
	if testing.Short() {
		t.Skip("TestScript runs these commands, too; make test runs the guides")
	}
	docker := httptest.NewServer(&engine{answers: map[string]string{
		"version": `{"Version": "29.0.0", "Arch": "amd64"}`, "containers/web/json": readmeContainer,
	}})
	t.Cleanup(docker.Close)
	before := "env DOCKER_HOST=tcp://" + docker.Listener.Addr().String() + "\n"
	after := readmeFiles(t)
	scripts := map[string]string{}
	for _, name := range guides(t) {
		page := strings.TrimSuffix(filepath.Base(name), ".md")
		scripts[page+"-commands"] = before + commandScript(t, name) + after
		scripts[page+"-shell"] = before + shellScript(t, name) + after
	}
	runScripts(t, scripts)
}

// guides returns the names of what users read first: README.md and docs.
func guides(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md"}
	for _, path := range must(filepath.Glob(filepath.Join(topDir, "docs", "*.md"))) {
		names = append(names, "docs/"+filepath.Base(path))
	}
	return names
}

// blocks returns a document's fenced blocks of a language.
func blocks(t *testing.T, name, language string) (blocks []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(document(t, name), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// block returns a document's first fenced block of a language.
func block(t *testing.T, name, language string) string {
	t.Helper()
	found := blocks(t, name, language)
	if len(found) == 0 {
		t.Fatalf("%s has no %s blocks", name, language)
	}
	return found[0]
}

// readmeApp is the cmd/app of README.md and docs. It listens, for kohealth try.
const readmeApp = `package main

import (
	"net/http"
	"os"
)

func main() {
	ok := func(http.ResponseWriter, *http.Request) {}
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(ok)))
}
`

// commandScript returns a script that runs every kohealth command of a document.
func commandScript(t *testing.T, name string) string {
	t.Helper()
	var script strings.Builder
	script.WriteString("env KOHEALTH_HEALTH_REPOSITORY=$PACKAGES\nenv KOHEALTH_HEALTH_KEY=$KEY\nmkdir keys\ncp $KEY keys/example.rsa.pub\n")
	for _, block := range blocks(t, name, "console") {
		for line := range strings.Lines(block) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			command, _, _ = strings.Cut(command, "#")
			switch {
			case !isCommand:
			case strings.HasPrefix(command, "kohealth why "):
				script.WriteString(asking(strings.TrimSpace(command)))
			case strings.HasPrefix(command, "kohealth "):
				command = strings.ReplaceAll(command, "https://packages.example.com/os", "$PACKAGES")
				script.WriteString("exec " + strings.TrimSpace(command) + "\n")
			case strings.HasPrefix(command, "export KO_DEFAULTBASEIMAGE="):
				script.WriteString("env " + strings.TrimPrefix(command, "export ") + "\n")
			}
		}
	}
	return script.String()
}

// asking returns a script's lines for kohealth why, which is asked about a container that
// runGuides' engine has, or about a service that is on Amazon ECS for it.
func asking(command string) string {
	target := strings.Fields(command)[2]
	lines := "! exec " + command + "\nstdout '^" + target + ": unhealthy: '\n"
	scheme, service, _ := strings.Cut(target, ":")
	if scheme != "ecs" {
		return lines
	}
	cluster, service, _ := strings.Cut(service, "/")
	return fmt.Sprintf("env CLUSTER=%s\nenv SERVICE=%s\necs start world.json\n%s", cluster, service, lines)
}

// What kohealth why is asked about in README.md and docs.
const (
	readmeContainer = `{"Id": "0123", "Name": "/web", "Config": {"Image": "ko.local/web", "Healthcheck": {"Test": ["CMD", "curl", "http://localhost/"]}},
  "State": {"Status": "running", "Running": true, "StartedAt": "2026-01-02T03:04:05Z", "Health": {"Status": "unhealthy", "Log": [
    {"Start": "2026-01-02T03:05:05Z", "End": "2026-01-02T03:05:05Z", "ExitCode": -1, "Output": "exec: \"curl\": executable file not found in $PATH"}]}}}`
	readmeWorld = `{"Cluster": "${CLUSTER}",
 "Services": [{"serviceName": "${SERVICE}", "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/${CLUSTER}", "desiredCount": 1, "runningCount": 1,
   "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/app:1"}],
 "Tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/${CLUSTER}/00000000000000000000000000000001", "group": "service:${SERVICE}",
   "lastStatus": "RUNNING", "healthStatus": "UNHEALTHY", "startedAt": "-80s",
   "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/app:1",
   "containers": [{"name": "app", "image": "ko.local/app", "lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"}]}],
 "TaskDefinitions": [{"taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/app:1", "memory": "512",
   "containerDefinitions": [{"name": "app", "image": "ko.local/app", "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost/"]}}]}]}`
)

// shellScript returns a script that runs a document's shell scripts, with images that there are. What is called
// curl and wget there is the probe; what needs an engine or shares a cache between
// machines is run by try.txtar and sharedcache.txtar in testdata/engine.
func shellScript(t *testing.T, name string) string {
	t.Helper()
	images := strings.NewReplacer(
		"nginx:1.29", "$REGISTRY/server",
		"docker-daemon:postgres:18", "$REGISTRY/bare",
		"ghcr.io/tarampampam/microcheck:1:/bin/httpcheck", "$REGISTRY/programs:latest:/opt/check",
		`"/bin/httpcheck"`, `"/opt/check"`)
	var script, files strings.Builder
	for i, block := range blocks(t, name, "sh") {
		switch program, _, _ := strings.Cut(block, " "); program {
		case "curl", "wget":
			for line := range strings.Lines(block) {
				args := strings.Fields(line)
				if _, known, err := probeargs.ParseAs(args[0], args[1:]); err != nil || !known {
					t.Errorf("%s is not what the probe takes: %v", line, err)
				}
			}
		case "go-cacher-server":
		default:
			fmt.Fprintf(&script, "exec sh -eu block%d.sh\n", i)
			block = regexp.MustCompile("(?m)^kohealth try --engine .*\n").ReplaceAllString(block, "")
			fmt.Fprintf(&files, "-- block%d.sh --\n%s", i, images.Replace(block))
		}
	}
	return script.String() + files.String()
}

// testDockerfiles checks that the documents' Dockerfiles are ones that tests build.
func testDockerfiles(t *testing.T) {
	var built []byte
	for _, name := range must(filepath.Glob(filepath.Join(topDir, "testdata", "engine", "*.txtar"))) {
		built = append(built, must(os.ReadFile(name))...)
	}
	for _, name := range guides(t) {
		for _, block := range blocks(t, name, "dockerfile") {
			_, steps, _ := strings.Cut(block, "\n") // without FROM
			if !strings.Contains(string(built), "\n"+steps) {
				t.Errorf("%s: no test in testdata/engine builds\n%s", name, steps)
			}
		}
	}
}

// testTerraform checks that kohealth lint finds the container in the documents' Terraform,
// beside which is what taskdef writes.
func testTerraform(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "containers.deploy.json"), []byte(block(t, "docs/ecs.md", "json")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range guides(t) {
		for _, block := range blocks(t, name, "terraform") {
			read := 0
			o := lint.Options{Dir: dir, Read: func(_ lint.Format, containers []lint.Container) { read += len(containers) }}
			if findings, err := lint.File(t.Context(), "main.tf", []byte(block), o); err != nil || read != 1 {
				t.Errorf("%s: %d containers, %v, %v in\n%s", name, read, findings, err, block)
			}
		}
	}
}

// testLanguages checks that each of the documents' fenced blocks is of a kind that a test
// reads.
func testLanguages(t *testing.T) {
	read := []string{"console", "diff", "dockerfile", "json", "sh", "terraform", "text", "yaml", "yml"}
	for _, name := range guides(t) {
		for _, m := range regexp.MustCompile("(?m)^```([a-z]+)$").FindAllStringSubmatch(document(t, name), -1) {
			if !slices.Contains(read, m[1]) {
				t.Errorf("%s: nothing reads %s blocks", name, m[1])
			}
		}
	}
}

// testReadmeLength checks that README.md stays short, and leads to every other guide.
func testReadmeLength(t *testing.T) {
	text := document(t, "README.md")
	if lines := strings.Count(text, "\n"); lines > 250 {
		t.Errorf("README.md has %d lines: move what not everybody needs to docs", lines)
	}
	for _, name := range guides(t)[1:] {
		if !strings.Contains(text, "]("+name+")") {
			t.Errorf("README.md does not link to %s", name)
		}
	}
}

// testReleaseURL checks that README.md downloads what the release workflow uploads.
func testReleaseURL(t *testing.T) {
	m := regexp.MustCompile(`name_template: "(\{\{ \.ProjectName.*)"`).FindStringSubmatch(document(t, ".goreleaser.yaml"))
	if m == nil {
		t.Fatal(".goreleaser.yaml names no archives")
	}
	archive := strings.NewReplacer("{{ .ProjectName }}", "kohealth", "{{ .Version }}", "${V}", "{{ .Os }}", "linux", "{{ .Arch }}", "amd64").Replace(m[1])
	if url := "/releases/download/v$V/" + archive + ".tar.gz"; !strings.Contains(document(t, "README.md"), url) {
		t.Errorf("README.md does not download %s", url)
	}
}

// readmeFiles returns the files that the documents name: a module with apps, and task
// definitions.
func readmeFiles(t *testing.T) string {
	t.Helper()
	files := "-- go.mod --\nmodule example.com\n\ngo 1.22\n-- config/app.yaml --\nimage: ko://example.com/cmd/app\n-- cmd/app/main.go --\n" + readmeApp
	for _, name := range []string{"task-definition.json", "containers.json"} {
		files += "-- " + name + " --\n" + block(t, "docs/ecs.md", "json")
	}
	return files + "-- world.json --\n" + readmeWorld + "\n"
}

// testConfigurationExamples reads every .ko.yaml of the documents, and checks that the
// first one of docs/configuration.md shows the defaults.
func testConfigurationExamples(t *testing.T) {
	for _, name := range guides(t) {
		for _, block := range blocks(t, name, "yaml") {
			readConfiguration(t, block)
		}
	}
	shown := readConfiguration(t, block(t, "docs/configuration.md", "yaml")).For(health.BuildID{})
	if shown.Test == nil {
		t.Fatal("the first .ko.yaml of docs/configuration.md configures no check")
	}
	got, err := shown.Check()
	if err != nil {
		t.Fatal(err)
	}
	want, err := health.Settings{Test: shown.Test}.Check()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what docs/configuration.md calls the defaults (-default +shown):\n%s", diff)
	}
}

// readConfiguration reads a .ko.yaml.
func readConfiguration(t *testing.T, text string) health.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), ".ko.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return must(health.ReadFile(name))
}

// testTestTable parses what docs/configuration.md says a test can be.
func testTestTable(t *testing.T) {
	_, table, _ := strings.Cut(document(t, "docs/configuration.md"), "| test | healthy when |")
	table, _, _ = strings.Cut(table, "\n\n")
	tests := regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(table, -1)
	if len(tests) < 9 {
		t.Fatalf("found %d tests in docs/configuration.md", len(tests))
	}
	for _, m := range tests {
		for _, quoted := range regexp.MustCompile("`(.*?)`").FindAllStringSubmatch(m[1], -1) {
			if _, err := health.ParseTest(quoted[1]); err != nil {
				t.Error(err)
			}
		}
	}
}

// testFlagList checks that kohealth's own flags are listed.
func testFlagList(t *testing.T) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	pipeline.AddHealthFlags(set)
	pipeline.AddECRFlags(set)
	checkSection(t, "flags", "```\n"+set.FlagUsagesWrapped(110)+"```\n")
}

// testCommandTable checks that the commands are listed, with the flags that build does
// not have.
func testCommandTable(t *testing.T) {
	root := newRoot()
	shared := command(root, "build").Flags()
	table := "| command | | flags that `build` does not have |\n| --- | --- | --- |\n"
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		var own []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if shared.Lookup(f.Name) == nil && !f.Hidden {
				own = append(own, "`--"+f.Name+"`")
			}
		})
		use := strings.ReplaceAll(strings.TrimSuffix(c.Use, " [flags]"), "|", `\|`)
		table += fmt.Sprintf("| `%s` | %s | %s |\n", use, strings.TrimSuffix(c.Short, "."), strings.Join(own, ", "))
	}
	checkSection(t, "commands", table)
}

// testPolicy pushes to ECR with what the IAM policy of docs/ecs.md allows, and with each
// action missing.
func testPolicy(t *testing.T) {
	var policy struct {
		Statement []struct {
			Action []string
		}
	}
	for _, block := range blocks(t, "docs/ecs.md", "json") {
		if strings.Contains(block, "Statement") {
			if err := json.Unmarshal([]byte(block), &policy); err != nil {
				t.Fatal(err)
			}
		}
	}
	var actions []string
	for _, s := range policy.Statement {
		actions = append(actions, s.Action...)
	}
	const image = "$ECR/policy"
	script := "aws start\nenv AWS_ECR_DISABLE_CACHE=1\nenv KO_DOCKER_REPO=" + image + "\naws policy " + strings.Join(actions, " ") +
		"\nexec kohealth build --bare --ecr-create-repository .\n"
	for i, action := range actions {
		rest := slices.Delete(slices.Clone(actions), i, i+1)
		script += fmt.Sprintf("env KO_DOCKER_REPO=%s%d\naws policy %s\n", image, i, strings.Join(rest, " "))
		if action == "ecr:BatchGetImage" { // only to say what an immutable tag holds
			continue
		}
		script += "! exec kohealth build --bare --ecr-create-repository .\nstderr " + action + "\n"
	}
	runScripts(t, map[string]string{"policy": script + helloModule})
}

// helloModule is a script's module with a command.
const helloModule = "-- go.mod --\nmodule example.com\n\ngo 1.22\n-- main.go --\npackage main\n\nfunc main() {}\n"

// runScripts runs scripts that a test makes, by their names.
func runScripts(t *testing.T, scripts map[string]string) {
	t.Helper()
	params := scriptParams(t)
	params.Dir, params.UpdateScripts = t.TempDir(), false
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(params.Dir, name+".txtar"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
}

// testRenderFormats checks that what kohealth render can print is listed.
func testRenderFormats(t *testing.T) {
	table := "| format | |\n| --- | --- |\n"
	for _, f := range render.Formats() {
		table += "| `" + f.Name + "` | " + f.About + " |\n"
	}
	checkSection(t, "render", table)
}

// testECSExample checks that README.md shows what render prints for its first image.
func testECSExample(t *testing.T) {
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
	if diff := cmp.Diff(out.Text, block(t, "README.md", "json")); diff != "" {
		t.Errorf("README.md's healthCheck (-rendered +shown):\n%s", diff)
	}
}

// section returns the text between the markers of the given name, and the document that
// holds them.
func section(t *testing.T, name string) (file, text string) {
	t.Helper()
	for _, guide := range guides(t) {
		_, rest, found := strings.Cut(document(t, guide), "<!-- "+name+" -->\n")
		if !found {
			continue
		}
		within, _, closed := strings.Cut(rest, "<!-- /"+name+" -->")
		if file != "" || !closed {
			t.Fatalf("section %s: it begins in %s and in %q, and ends there: %t", name, guide, file, closed)
		}
		file, text = guide, within
	}
	if file == "" {
		t.Fatalf("no document has a section %s", name)
	}
	return file, text
}

// checkSection checks the text between the markers of the given name, in the document
// that has them; UPDATE=1 rewrites it.
func checkSection(t *testing.T, name, want string) {
	t.Helper()
	file, old := section(t, name)
	if update {
		begin := "<!-- " + name + " -->\n"
		text := strings.Replace(document(t, file), begin+old, begin+want, 1)
		if err := os.WriteFile(filepath.Join(topDir, filepath.FromSlash(file)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("%s in %s (-want +got); UPDATE=1 go test ./cmd/kohealth -run TestReadme mends it:\n%s", name, file, diff)
	}
}
