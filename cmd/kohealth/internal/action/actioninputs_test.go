package action

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// TestActionCommandLine checks which command inputs stand for.
func TestActionCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inputs inputs
		want   string
	}{
		{"nothing", nil, "build --sbom-dir=SBOM --metadata-file=META --"},
		{"lists", inputs{"tags": "a, b\nc", "platforms": " linux/amd64\nlinux/arm64\n", "importpaths": "./a ./b\n./c\n"},
			"build --tags=a,b,c --platform=linux/amd64,linux/arm64 --sbom-dir=SBOM --metadata-file=META -- ./a ./b ./c"},
		{"tags of docker/metadata-action", inputs{"tags": "ghcr.io/team/app:main\nghcr.io/team/app:sha-1a2b3c\nlocalhost:5000/app:main"},
			"build --tags=main,sha-1a2b3c --sbom-dir=SBOM --metadata-file=META --"},
		{"import paths are not flags", inputs{"importpaths": "--bare"}, "build --sbom-dir=SBOM --metadata-file=META -- --bare"},
		{"health", inputs{"health": `["-status", "200", "http://:8080/"]` + "\n", "health-retries": "5", "health-log": "false"},
			`build --sbom-dir=SBOM '--health=["-status", "200", "http://:8080/"]' --health-retries=5 --health-log=false --metadata-file=META --`},
		{"packages", inputs{"health-package": "curl=8.21.0-r2\n\nbusybox\n", "health-cmd": "curl -f http://localhost/ || exit 1", "image-format": "docker"},
			"build --sbom-dir=SBOM '--health-cmd=curl -f http://localhost/ || exit 1' --health-package=curl=8.21.0-r2 --health-package=busybox --image-format=docker --metadata-file=META --"},
		{"no sbom", inputs{"sbom": "none", "push": "false", "lint": "true"}, "build --push=false --lint=true --sbom=none --metadata-file=META --"},
		{"args win over inputs", inputs{"tags": "a", "args": "--tags=b"}, "build --tags=a --sbom-dir=SBOM --tags=b --metadata-file=META --"},
		{"task definition", inputs{"task-definition": "t.json"}, "taskdef --sbom-dir=SBOM --metadata-file=META --file=t.json --output=OUT"},
		{"container", inputs{"task-definition": "t.json", "container-name": "web", "importpaths": "./a"},
			"taskdef --sbom-dir=SBOM --metadata-file=META --file=t.json --output=OUT --container=web=./a"},
		{"container of the directory", inputs{"task-definition": "t.json", "container-name": "web"},
			"taskdef --sbom-dir=SBOM --metadata-file=META --file=t.json --output=OUT --container=web=."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			output := ""
			if tt.inputs["task-definition"] != "" {
				output = "OUT"
			}
			in, err := parseInputs(encode(t, tt.inputs))
			if err != nil {
				t.Fatal(err)
			}
			args, err := in.commandLine("SBOM", "META", output)
			if err != nil {
				t.Fatal(err)
			}
			if got := quote.ShellWords(args); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestActionShowsNoPassword checks what of a command line is shown.
func TestActionShowsNoPassword(t *testing.T) {
	args := []string{"build", "--health-repository=https://user:pass@example.com/os", "--health=http://:8080/@me"}
	const want = "build --health-repository=https://…@example.com/os --health=http://:8080/@me"
	if got := term.Hide(quote.ShellWords(args)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func encode(t *testing.T, in inputs) string {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestActionInputErrors checks what is said of inputs that are wrong.
func TestActionInputErrors(t *testing.T) {
	for _, tt := range []struct {
		inputs inputs
		want   string
	}{
		{inputs{"push": "yes"}, `parsing input push "yes": want true or false`},
		{inputs{"cache": "$(x)"}, `parsing input cache "$(x)": want true or false`},
		{inputs{"sbom": "false"}, `parsing input sbom "false": want spdx or none`},
		{inputs{"new": "x"}, `this version of kohealth has no input "new"`},
		{inputs{"container-name": "web"}, "input container-name needs task-definition"},
		{inputs{"container-name": "web", "task-definition": "t.json", "importpaths": "./a ./b"}, "input container-name is for one import path"},
		{inputs{"task-definition": "t.json", "importpaths": "./a"}, "importpaths and task-definition do not say which container gets the image"},
	} {
		if _, err := parseInputs(encode(t, tt.inputs)); err == nil || err.Error() != tt.want {
			t.Errorf("%v: got error %v, want %s", tt.inputs, err, tt.want)
		}
	}
	if _, err := parseInputs("{"); err == nil || !strings.HasPrefix(err.Error(), "parsing INPUTS: ") {
		t.Errorf("got error %v", err)
	}
	if _, err := (inputs{"args": "'x"}).commandLine("", "", ""); err == nil || err.Error() != `parsing input args: "'x" has no closing '` {
		t.Errorf("got error %v", err)
	}
}
