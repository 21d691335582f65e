package readers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
)

// readRun returns the container that lint reads of a command.
func readRun(t *testing.T, words ...string) (found []lint.Container) {
	t.Helper()
	_, err := lint.RunLine(t.Context(), words, lint.Options{Read: func(_ lint.Format, read []lint.Container) { found = read }})
	if err != nil || len(found) != 1 {
		t.Fatalf("%q: %d containers, %v", words, len(found), err)
	}
	return found
}

// needsEngines skips where the engines' command lines need not be.
func needsEngines(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("KOHEALTH_TEST_ENGINES is not set: see .ci/run for how to install the engines")
	}
}

// flagHelp matches a flag in the help of docker run and podman run: one with a value has a
// word for that.
var flagHelp = regexp.MustCompile(`(?m)^ +(?:(-\w), +)?(--[\w-]+)(?: (\S+))?(?: {2,}|\n)`)

// TestRunFlags puts each flag that an engine's run has before an image: lint knows which of
// them have values.
func TestRunFlags(t *testing.T) {
	needsEngines(t)
	for _, engine := range []string{"docker", "podman"} {
		help, err := exec.Command(engine, "run", "--help").Output()
		if err != nil {
			t.Fatalf("%s run --help: %v", engine, err)
		}
		flags := flagHelp.FindAllStringSubmatch(string(help), -1)
		if len(flags) < 50 {
			t.Errorf("%s has %d flags only", engine, len(flags))
		}
		for _, flag := range flags {
			for _, name := range flag[1:3] {
				words := []string{engine, "run", name}
				if flag[3] != "" {
					words = append(words, "1")
				}
				if name == "" || name == "--help" || name == "-h" && engine == "podman" {
					continue
				}
				if got := readRun(t, append(words, "image", "command")...); got[0].Image != "image" {
					t.Errorf("%s run %s: lint takes %q for the image", engine, name, got[0].Image)
				}
			}
		}
	}
}

// A created is what docker create asks an engine for.
type created struct {
	Image       string
	Healthcheck *health.Config
}

// engine serves what docker create needs, and keeps what it was asked for.
func engine(t *testing.T, last *created) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("API-Version", "1.45")
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/containers/create") {
			if err := json.NewDecoder(r.Body).Decode(last); err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"Id": "1", "Warnings": []}`)
		}
	}))
	t.Cleanup(server.Close)
	return "tcp://" + strings.TrimPrefix(server.URL, "http://")
}

// TestRunLines has docker's own command line say what it makes of commands.
func TestRunLines(t *testing.T) {
	needsEngines(t)
	var last created
	host := engine(t, &last)
	for _, line := range []string{
		"--health-cmd|curl -f http://localhost/; exit $?|--health-interval=5s|--health-retries|2|--health-timeout=1m|--health-start-period=90s|--health-start-interval=1s|image",
		"-ite|A=1|-e|B=2 3|--env=C==|-p|80:80|-p127.0.0.1:81:81/udp|--name=web|-w/srv|image|sh|-c|--health-cmd=no",
		"-it|--rm|--init|--privileged|-P|--read-only|-u|1000:1000|--health-cmd=true|image",
		"--no-healthcheck|image", "--no-healthcheck=false|--health-cmd=x|image", "--health-cmd=x|--health-cmd=y|image",
		"--health-interval=0|--health-retries=0|--health-cmd=|image", "--health-retries=3|image",
		"--gpus|all|--network|host|-v|a:/b:ro|-v/c|--mount|type=tmpfs,dst=/d|--tmpfs|/e:size=1m|-l|a=b|-m|1g|-c|512|--cpus=1|image",
		"-a|stdout|-h|host|--restart|always|--pull|never|--ulimit|nofile=1|--security-opt|no-new-privileges|--|image",
		"--entrypoint|/x|--user=me|-tw|/srv|image|a", "--env|A|--env-file|/dev/null|-uroot|image",
		"-i=false|-t|--rm=false|--health-cmd=x y|image", "--isolation|default|--oom-kill-disable|image",
	} {
		last = created{}
		words := strings.Split(line, "|")
		out, err := exec.Command("docker", append([]string{"-H", host, "create"}, words...)...).CombinedOutput()
		if err != nil {
			t.Errorf("docker create %s: %v: %s", line, err, out)
			continue
		}
		got := readRun(t, append([]string{"docker", "create"}, words...)...)[0]
		if got.Image != last.Image {
			t.Errorf("%s: lint takes %q for the image, docker %q", line, got.Image, last.Image)
		}
		if diff := cmp.Diff(last.Healthcheck, got.Check, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-docker +lint):\n%s", line, diff)
		}
	}
}
