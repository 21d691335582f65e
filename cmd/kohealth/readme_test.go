package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
)

func readme(t *testing.T) string { return document(t, "README.md") }

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

// readmeApp is the README's cmd/app. It listens, for kohealth try.
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

// TestReadmeCommands runs every kohealth command of the README.
func TestReadmeCommands(t *testing.T) {
	var script strings.Builder
	script.WriteString("env KOHEALTH_HEALTH_REPOSITORY=$PACKAGES\nenv KOHEALTH_HEALTH_KEY=$KEY\nmkdir keys\ncp $KEY keys/example.rsa.pub\n")
	for _, block := range blocks(t, "console") {
		for line := range strings.Lines(block) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			command, _, _ = strings.Cut(command, "#")
			switch {
			case !isCommand:
			case strings.HasPrefix(command, "kohealth "):
				command = strings.ReplaceAll(command, "https://packages.example.com/os", "$PACKAGES")
				script.WriteString("exec " + strings.TrimSpace(command) + "\n")
			case strings.HasPrefix(command, "export KO_DEFAULTBASEIMAGE="):
				script.WriteString("env " + strings.TrimPrefix(command, "export ") + "\n")
			}
		}
	}
	runReadme(t, script.String())
}

// TestReadmeShell runs the README's shell scripts, with images that there are. What is
// called curl and wget there is the probe; what needs an engine or shares a cache between
// machines is run by try.txtar and sharedcache.txtar in testdata/engine.
func TestReadmeShell(t *testing.T) {
	images := strings.NewReplacer(
		"nginx:1.29", "$REGISTRY/server",
		"docker-daemon:postgres:18", "$REGISTRY/bare",
		"ghcr.io/tarampampam/microcheck:1:/bin/httpcheck", "$REGISTRY/programs:latest:/opt/check",
		`"/bin/httpcheck"`, `"/opt/check"`)
	var script, files strings.Builder
	for i, block := range blocks(t, "sh") {
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
	runReadme(t, script.String()+files.String())
}

// TestReadmeDockerfile checks that the README's Dockerfiles are ones that tests build.
func TestReadmeDockerfile(t *testing.T) {
	var built []byte
	for _, name := range must(filepath.Glob(filepath.Join(topDir, "testdata", "engine", "*.txtar"))) {
		built = append(built, must(os.ReadFile(name))...)
	}
	for _, block := range blocks(t, "dockerfile") {
		_, steps, _ := strings.Cut(block, "\n") // without FROM
		if !strings.Contains(string(built), "\n"+steps) {
			t.Errorf("no test in testdata/engine builds\n%s", steps)
		}
	}
}

// TestReadmeLanguages checks that each of the README's fenced blocks is of a kind that a
// test reads.
func TestReadmeLanguages(t *testing.T) {
	read := []string{"console", "dockerfile", "json", "sh", "text", "yaml", "yml"}
	for _, m := range regexp.MustCompile("(?m)^```([a-z]+)$").FindAllStringSubmatch(readme(t), -1) {
		if !slices.Contains(read, m[1]) {
			t.Errorf("nothing reads the README's %s blocks", m[1])
		}
	}
}

// runReadme runs a script made of the README, in a module with the apps that it names.
func runReadme(t *testing.T, script string) {
	t.Helper()
	docker := httptest.NewServer(new(engine))
	t.Cleanup(docker.Close)
	script = "env DOCKER_HOST=tcp://" + docker.Listener.Addr().String() + "\n" + script
	script += "-- go.mod --\nmodule example.com\n\ngo 1.22\n-- config/app.yaml --\nimage: ko://example.com/cmd/app\n-- cmd/app/main.go --\n" + readmeApp
	script += "-- task-definition.json --\n" + blocks(t, "json")[1]
	runScript(t, "readme", script)
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
	if shown.Test == nil {
		t.Fatal("the README's first .ko.yaml configures no check")
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
	addECRFlags(set)
	checkSection(t, "flags", "```\n"+set.FlagUsagesWrapped(110)+"```\n")
}

// TestReadmeCommandTable checks that the README lists the commands, with the flags that
// build does not have.
func TestReadmeCommandTable(t *testing.T) {
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

// TestReadmePolicy pushes to ECR with what the README's IAM policy allows, and with each
// of it missing.
func TestReadmePolicy(t *testing.T) {
	var policy struct {
		Statement []struct {
			Action []string
		}
	}
	for _, block := range blocks(t, "json") {
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
	runScript(t, "policy", script+helloModule)
}

// helloModule is a script's module with a command.
const helloModule = "-- go.mod --\nmodule example.com\n\ngo 1.22\n-- main.go --\npackage main\n\nfunc main() {}\n"

// runScript runs a script that is made by a test.
func runScript(t *testing.T, name, script string) {
	t.Helper()
	params := scriptParams(t)
	params.Dir, params.UpdateScripts = t.TempDir(), false
	if err := os.WriteFile(filepath.Join(params.Dir, name+".txtar"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := gotooltest.Setup(&params); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params)
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

// TestReadmeImage checks that the README shows what is in the image that make demo makes,
// in text and as a picture. How large layers are depends on the version of Go: a quarter
// more or less is the same.
func TestReadmeImage(t *testing.T) {
	tarball := filepath.Join(t.TempDir(), "hello.tar")
	app := filepath.Join("testdata", "apps", "hello")
	build := exec.Command("kohealth", "build", "--bare", "--push=false", "--platform=linux/amd64", "--tarball="+tarball, "./"+app)
	build.Env = append(os.Environ(), "KO_DOCKER_REPO=example.com/hello", "KO_DEFAULTBASEIMAGE=kohealth.local/static", "KO_CONFIG_PATH="+app)
	outputOf(t, build)
	layers, _, _ := strings.Cut(outputOf(t, exec.Command("go", "run", "./testdata/apps/show", tarball)), "{")
	checkLikeSection(t, "image", "```\n"+layers+"```\n")

	svg := outputOf(t, exec.Command("go", "run", "./testdata/apps/show", "-svg", tarball))
	name := filepath.Join(topDir, "testdata", "image.svg")
	if update {
		if err := os.WriteFile(name, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shown, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	checkLike(t, name, svg, string(shown))
}

// outputOf runs a command at the top of the module.
func outputOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Dir, cmd.Stderr = topDir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// checkLikeSection is checkSection for a section with sizes.
func checkLikeSection(t *testing.T, name, want string) {
	t.Helper()
	if update {
		checkSection(t, name, want)
		return
	}
	checkLike(t, name+" in the README", want, section(t, name))
}

// checkLike checks that two texts are the same but for sizes, and those alike.
func checkLike(t *testing.T, name, want, got string) {
	t.Helper()
	sizes := regexp.MustCompile(` *(\d+) KB`)
	masked := func(text string) string { return sizes.ReplaceAllString(text, " N KB") }
	if diff := cmp.Diff(masked(want), masked(got)); diff != "" {
		t.Fatalf("%s (-want +got); UPDATE=1 go test ./cmd/kohealth mends it:\n%s", name, diff)
	}
	gots := sizes.FindAllStringSubmatch(got, -1)
	for i, m := range sizes.FindAllStringSubmatch(want, -1) {
		w, g := must(strconv.ParseFloat(m[1], 64)), must(strconv.ParseFloat(gots[i][1], 64))
		if math.Abs(g-w) > 0.25*w {
			t.Errorf("%s says %g KB, it is %g KB; UPDATE=1 go test ./cmd/kohealth mends it", name, g, w)
		}
	}
}

// section returns what the README holds between the markers of the given name.
func section(t *testing.T, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(readme(t), "<!-- "+name+" -->\n")
	text, _, ok := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok {
		t.Fatalf("the README has no place for the %s", name)
	}
	return text
}

// checkSection checks what the README holds between the markers of the given name;
// UPDATE=1 rewrites it.
func checkSection(t *testing.T, name, want string) {
	t.Helper()
	old := section(t, name)
	if update {
		begin := "<!-- " + name + " -->\n"
		text := strings.Replace(readme(t), begin+old, begin+want, 1)
		if err := os.WriteFile(filepath.Join(topDir, "README.md"), []byte(text), 0o644); err != nil {
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

	seed, err := os.ReadFile(filepath.Join(topDir, "testdata", "lint", "err", "seed.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	_, found, ok := strings.Cut(string(seed), "-- want --\n")
	if !ok {
		t.Fatal("the case has no findings")
	}
	checkSection(t, "lint", "```text\n$ kohealth lint task-definition.json\n"+found+"```\n")
}
