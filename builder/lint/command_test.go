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
		"docker run --health-cmd /usr/bin/healthcheck|auto ours":                                                    {"error no-shell"},
		"podman run --health-cmd CMD|/usr/bin/healthcheck|auto --health-start-period 9s ours":                       nil,
		"podman run --health-cmd CMD|/usr/bin/healthcheck|auto --health-start-period 9s ours /server":               nil,
		"podman run --entrypoint /server --health-cmd CMD|/usr/bin/healthcheck|auto ours":                           {"error not-ko-app"},
		"podman run --entrypoint= --health-cmd CMD|/usr/bin/healthcheck|auto ours /server":                          {"error not-ko-app"},
		"podman run --entrypoint [\"/server\",\"x\"] --health-cmd CMD|/usr/bin/healthcheck|auto ours":               {"error not-ko-app"},
		"docker run --health-cmd=wget|-qO-|http://127.0.0.1/ --health-start-period 9s alpine":                       nil,
		"docker run --health-cmd curl|-f|http://127.0.0.1/ --health-start-period=9s alpine":                         {"error no-program"},
		"nerdctl container create --health-cmd curl|-f|http://127.0.0.1/ --health-start-period 9s alpine":           {"error no-program"},
		"docker run --health-start-period 9s checked":                                                               {"error no-program"},
		"docker run --no-healthcheck --health-start-period 9s checked":                                              {"info check-overridden"},
		"docker --context x -D --host=tcp://h:1 run --health-start-period 9s checked":                               {"error no-program"},
		"podman -c x --log-level debug --remote container run --health-start-period 9s checked":                     {"error no-program"},
		"nerdctl -nk8s.io --debug --address a create --health-start-period 9s checked":                              {"error no-program"},
		"docker run --health-cmd CMD|wget|-qO-|http://127.0.0.1/ --health-start-period=9s alpine":                   {"error command-kind"},
		"docker run --health-cmd=  checked":                                                                         {"error no-program"},
		"sudo -E docker --context far -D run alpine":                                                                {"info unchecked"},
		"/usr/bin/podman --remote --url=x container create alpine":                                                  {"info unchecked"},
		"sudo -u me nerdctl -n k8s.io run --health-cmd=wget|-qO-|http://127.0.0.1/ --health-start-period 9s alpine": nil,
	} {
		findings, err := lint.RunLine(t.Context(), words(line), lint.Options{Open: open})
		if got := found(t, findings, err); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// A command that runs no container is none of lint's.
func TestIsRun(t *testing.T) {
	for line, want := range map[string]bool{
		"docker run": true, "docker container run x": true, "docker -H x create y": true, "sudo podman run x": true,
		"docker": false, "docker -H": false, "docker ps": false, "docker compose run x": false, "run": false, "sudo": false, "sudo run": false,
		"docker container": false, "podman pod create x": false, "": false,
	} {
		if got := lint.IsRun(strings.Fields(line)); got != want {
			t.Errorf("%q: %v", line, got)
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

// A command that a template leaves open may be the app that auto checks.
func TestOpenCommand(t *testing.T) {
	open := openOf(t, map[string]string{"ours": ours})
	for _, command := range []string{"EntryPoint: [/server]", "EntryPoint: !Ref Start", "EntryPoint: !Split [',', !Ref Start]", "EntryPoint: [!Ref Start]"} {
		file := "Resources: {Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: ours, Command: [/server], " + command +
			", HealthCheck: {Command: [CMD, /usr/bin/healthcheck, auto], StartPeriod: 10}}]}}}"
		findings, err := lint.File(t.Context(), "task.yaml", []byte(file), lint.Options{Open: open})
		wrong := slices.Contains(found(t, findings, err), "error not-ko-app")
		if known := !strings.Contains(command, "!"); wrong != known {
			t.Errorf("%s: found %v", command, findings)
		}
	}
}

// docker inspect says of a Windows container that it is one, of which the judge knows nothing.
func TestInspected(t *testing.T) {
	for system, want := range map[string][]string{"linux": {"error needs-shell"}, "windows": nil} {
		file := `[{"Id": "1", "Name": "/app", "Platform": "` + system + `", "State": {}, "HostConfig": {"Tmpfs": {"/tmp": ""}},
			"Config": {"Image": "x", "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://127.0.0.1/", "||", "exit", "1"], "StartPeriod": 9000000000}}}]`
		findings, err := lint.File(t.Context(), "inspect.json", []byte(file), lint.Options{})
		if got := found(t, findings, err); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
}

// Without an image, what the engine says is judged alone.
func TestRunningWithoutImage(t *testing.T) {
	check := &health.Config{Test: []string{"CMD", "curl", "-f", "http://127.0.0.1/", "||", "exit", "1"}}
	findings, err := lint.Running(t.Context(), "app", lint.Run{Check: check}, nil, lint.Options{})
	if got := found(t, findings, err); !slices.Contains(got, "error needs-shell") {
		t.Errorf("%q", got)
	}
}
