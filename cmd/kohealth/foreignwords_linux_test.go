package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/layers"
)

// hostile are words that would steer a terminal, forge messages of kohealth's, and be
// commands to the runner of a GitHub workflow.
const hostile = "pwned\n::error::pwned\nHint: pwned\r\nError: pwned \x1b[2J\u009b2J\x7f\u202e\u2066\u061c\u2028\u200f##[error]pwned\a"

// checkWords checks that nothing in an outcome is raw.
func (s *workshop) checkWords(o outcome) {
	s.Helper()
	for line := range strings.Lines(o.stdout + o.stderr) {
		line = strings.TrimSuffix(line, "\n")
		for _, r := range line {
			if !strconv.IsPrint(r) && r != '\t' {
				s.Errorf("%U in %q", r, line)
			}
		}
		if strings.HasPrefix(line, "Hint: pwned") || strings.HasPrefix(line, "Error: pwned") {
			s.Errorf("forged: %q", line)
		}
		if strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::error::") {
			s.Errorf("a command: %q", line)
		}
	}
}

// said checks that an outcome tells of the hostile words at all.
func (s *workshop) said(o outcome) {
	s.Helper()
	s.checkWords(o)
	if !strings.Contains(o.stdout+o.stderr, "pwned") {
		s.Errorf("exit %d, without the words:\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// TestForeignWordsOfRegistry has every command that asks a registry hear hostile words.
func TestForeignWordsOfRegistry(t *testing.T) {
	t.Parallel()
	words, _ := json.Marshal(hostile)
	for name, answer := range map[string]fault{
		"error": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":%s,"detail":%[1]s}]}`, words)
		},
		"body": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, hostile)
		},
		"type": func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
			if req.Method == http.MethodHead {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "pwned \u202e\u061c##[error]")
			fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%s,"manifests":[{"mediaType":%[1]s,"digest":%[1]s}]}`, words)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newWorkshop(t)
			s.write("app/td.json", `{"containerDefinitions":[{"name":"app","image":"base.localhost/base","healthCheck":{"command":["CMD","/x"]}}]}`)
			s.write("app/build.json", `{"memory":"512","containerDefinitions":[{"name":"app","image":"ko://example.com/hello"}]}`)
			s.write("app/pod.yaml", "image: ko://example.com/hello\n")
			push := inspector(func(w http.ResponseWriter, req *http.Request, registry http.Handler) {
				if req.Host == "app.localhost" {
					answer(w, req, registry)
					return
				}
				registry.ServeHTTP(w, req)
			})
			s.inspect.Store(&push)
			if name != "type" {
				s.said(s.run("build", "."))
				s.said(s.run("base", "base.localhost/base"))
				s.said(s.run("taskdef", "-f", "build.json"))
				s.said(s.run("resolve", "-f", "pod.yaml"))
				summary := s.path("summary")
				s.said(s.start(func(int) {}, []string{"INPUTS={}", "GITHUB_OUTPUT=" + s.path("output"), "GITHUB_STEP_SUMMARY=" + summary}, "action"))
				s.checkWords(outcome{stdout: string(must(os.ReadFile(summary)))})
			}
			all := inspector(answer)
			s.inspect.Store(&all)
			check := s.said
			if name == "type" {
				check = s.checkWords // what is wrong can be said without them
			}
			for _, command := range []string{
				"build --verbose .", "base base.localhost/base", "try .", "lint base.localhost/base", "lint td.json",
				"render base.localhost/base", "resolve -f pod.yaml", "taskdef -f build.json",
			} {
				check(s.run(strings.Fields(command)...))
			}
		})
	}
}

// pushHostile pushes an image in which all is hostile that can be.
func (s *workshop) pushHostile(repo string, check ...string) {
	s.Helper()
	config := v1.Config{
		User: hostile, WorkingDir: "/" + hostile, Cmd: []string{hostile}, Env: []string{"A=" + hostile, "PATH=/" + hostile},
		Healthcheck: &v1.HealthConfig{Test: check}, Labels: map[string]string{hostile: hostile},
	}
	idx := withFiles(testBase(types.OCIImageIndex, types.OCIManifestSchema1, config, "linux/amd64"),
		layers.File{Path: "/bin/" + hostile, Mode: 0o644}, layers.File{Path: "/bin/sh", Mode: 0o755, Content: []byte("#!" + hostile)})
	img := must(mutate.Append(firstImage(idx), mutate.Addendum{
		Layer: must(layers.Layer(nil, types.OCILayer)), MediaType: types.OCILayer,
		History: v1.History{Author: hostile, Comment: hostile, CreatedBy: hostile},
	}))
	registry := s.serve(newRegistry())
	if err := remote.Write(must(name.ParseReference(registry+"/"+repo)), img); err != nil {
		s.Fatal(err)
	}
	s.env = append(s.env, "HOSTILE="+registry+"/"+repo)
}

// TestForeignWordsOfImage looks into images in which all is hostile.
func TestForeignWordsOfImage(t *testing.T) {
	t.Parallel()
	for name, check := range map[string][]string{
		"shell":    {"CMD-SHELL", "curl http://localhost/" + hostile + " || exit 1"},
		"program":  {"CMD", "/bin/" + hostile, hostile},
		"probe":    {"CMD", "/usr/bin/healthcheck", "-header", hostile, "http://" + hostile + ":80/" + hostile},
		"no form":  {hostile},
		"one line": {"CMD-SHELL", strings.Join(strings.Fields(hostile), " ")},
		"words":    append([]string{"CMD"}, strings.Fields(hostile)...),
		"keywords": {"CMD", "curl", "-H", "X: " + hostile, "http://localhost:8080/" + hostile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newWorkshop(t)
			s.pushHostile("app", check...)
			image := strings.TrimPrefix(s.env[len(s.env)-1], "HOSTILE=")
			for _, format := range lint.Formats() {
				s.checkWords(s.run("lint", "--severity=info", "--format", format, image))
			}
			for _, f := range render.Formats() {
				s.checkWords(s.run("render", "--format", f.Name, image))
			}
			s.env = slices.DeleteFunc(s.env, func(kv string) bool { return strings.HasPrefix(kv, "KOHEALTH_HEALTH=") })
			s.checkWords(s.run("base", "--push=false", image))
			s.checkWords(s.run("base", "--push=false", "--health=http://:8080/", image))
			s.env = append(s.env, "KO_DEFAULTBASEIMAGE="+image)
			s.checkWords(s.run("build", "--push=false", "--lint", "."))
			s.checkWords(s.run("build", "--push=false", "--health-cmd=x", "."))
			s.checkWords(s.run("try", "."))
		})
	}
}

// TestForeignWordsOfFile reads files in which all is hostile.
func TestForeignWordsOfFile(t *testing.T) {
	t.Parallel()
	s := newWorkshop(t)
	words, _ := json.Marshal(hostile)
	q := string(words)
	s.write("app/td.json", `{"family":`+q+`,"containerDefinitions":[{"name":`+q+`,"image":`+q+`,"user":`+q+`,"dependsOn":[{"containerName":`+q+`,"condition":"HEALTHY"}],
		"healthCheck":{"command":["CMD-SHELL",`+q+`],"interval":`+q+`,"timeout":1e9}}]}`)
	s.write("app/compose.yaml", `services: {`+q+`: {image: `+q+`, healthcheck: {test: `+q+`, interval: `+q+`}}, b: {image: x, depends_on: {`+q+`: {condition: service_healthy}}, healthcheck: {test: [`+q+`]}}}`)
	s.write("app/template.yaml", `Resources: {`+q+`: {Type: "AWS::ECS::TaskDefinition", Properties: {ContainerDefinitions: [{Name: `+q+`, Image: `+q+`, HealthCheck: {Command: [`+q+`]}}]}}}`)
	s.write("app/broken.json", "{"+q+":\x1b\u202e")
	s.write("app/broken.yaml", q+": {a: b\n\x1b: x")
	for _, file := range []string{"td.json", "compose.yaml", "template.yaml", "broken.json", "broken.yaml"} {
		for _, format := range lint.Formats() {
			s.checkWords(s.run("lint", "--severity=info", "--format", format, file))
		}
	}
	for _, args := range [][]string{{"-f", "td.json"}, {"-f", "broken.json"}, {"-f", "td.json", "--container", "app=."}, {"-f", "td.json", "--container", hostile + "=."}} {
		o := s.run(append([]string{"taskdef"}, args...)...)
		o.stdout = "" // the file itself
		s.checkWords(o)
	}
	for _, text := range []string{
		"healthcheck: {" + q + ": x}", "healthcheck: {test: " + q + "}", "healthcheck: {tool: " + q + "}", "healthcheck: {packages: [" + q + "]}",
		"healthcheck: {repositories: [" + q + "]}", "healthcheck: {keys: [" + q + "]}", "builds: [{id: " + q + ", dir: " + q + ", main: " + q + "}]",
		"defaultBaseImage: " + q, "healthchek: {" + q + ": 1}", "healthcheck: {intervall: " + q + "}", "\x1b", "builds: [{ldflags: [" + q + "]}]",
		"defaultEnv: [" + q + "]", "defaultPlatforms: [" + q + "]",
	} {
		s.write("app/.ko.yaml", text)
		s.checkWords(s.run("build", "--push=false", "."))
		s.checkWords(s.run("render", "-f", ".ko.yaml"))
		s.checkWords(s.run("init", "--yes"))
		s.checkWords(s.run("__complete", "render", "-f", ".ko.yaml", "--build", ""))
	}
	s.write("app/.ko.yaml", "{}")
	s.write("app/main.go", "package main\n\nimport \"net/http\"\n\n// \u202e\u061c\x1b[2J ##[error]\nfunc main() {\n\thttp.HandleFunc(\"/healthz\\n::error::\\u202e\", nil) // \u202e\x1b[2J##[error]\n\t_ = http.ListenAndServe(\":8080\", nil) /* \u202e\n::error:: */\n}\n")
	s.checkWords(s.run("init"))
	s.write("app/main.go", "package main\n\n//line \u202e\u061c##[error]pwned.go:1\nfunc main() { pwned() }\n")
	s.said(s.run("build", "--push=false", "."))
}
