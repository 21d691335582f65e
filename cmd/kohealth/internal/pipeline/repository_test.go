package pipeline

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder/hint"
)

// The hint holds what is right in the person's own value.
func TestRepositoryHint(t *testing.T) {
	const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000001"
	for repo, want := range map[string]string{
		"https://ghcr.io/team":         "write KO_DOCKER_REPO=ghcr.io/team",
		"oci://127.0.0.1:5000/team/x":  "write KO_DOCKER_REPO=127.0.0.1:5000/team/x",
		"ghcr.io/Team":                 "write KO_DOCKER_REPO=ghcr.io/team",
		`"ghcr.io/team"`:               "write KO_DOCKER_REPO=ghcr.io/team",
		" ghcr.io/team ":               "write KO_DOCKER_REPO=ghcr.io/team",
		"ghcr.io/team/":                "write KO_DOCKER_REPO=ghcr.io/team",
		"ghcr.io//team":                "write KO_DOCKER_REPO=ghcr.io/team",
		"ghcr.io":                      "name a repository, too, as in KO_DOCKER_REPO=ghcr.io/team",
		"localhost:5000":               "name a repository, too, as in KO_DOCKER_REPO=localhost:5000/team",
		"ghcr.io/team/app:v1":          "write KO_DOCKER_REPO=ghcr.io/team/app, and the tag as --tags=v1; --bare adds no name to it",
		"localhost:5000/app:v1":        "write KO_DOCKER_REPO=localhost:5000/app, and the tag as --tags=v1; --bare adds no name to it",
		"ghcr.io/team/app" + digest:    "write KO_DOCKER_REPO=ghcr.io/team/app: every build has a digest of its own",
		"ghcr.io/team/app:v1" + digest: "write KO_DOCKER_REPO=ghcr.io/team/app: every build has a digest of its own",
		"me:secret@ghcr.io/team":       "write KO_DOCKER_REPO=ghcr.io/team, and log in with kohealth login ghcr.io",
		"ghcr.io/team app":             "write KO_DOCKER_REPO as in registry.example.com/team: in lower case, and without https://",
		"localhost:port/x":             "write KO_DOCKER_REPO as in registry.example.com/team: in lower case, and without https://",
	} {
		if got := hint.Of(explainRepository(repo, errors.New("failed to parse as repository"))); got != want {
			t.Errorf("hint for %q: %q, want %q", repo, got, want)
		}
	}
}

// What no registry takes is found before anything is built.
func TestCheckRepository(t *testing.T) {
	for named, want := range map[string]string{
		"ghcr.io/team/app": "", "127.0.0.1:5000/app": "", "docker.io/app": "", "app": "",
		"ghcr.io/team/": "empty", "ghcr.io//team": "empty", "ghcr.io": "a registry alone", "localhost:5000": "a registry alone", "$REPO/app": "can only contain",
	} {
		err := checkRepository(&options.PublishOptions{Push: true, DockerRepo: named}, named)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || hint.Of(err) == "") {
			t.Errorf("%q: error %v, hint %q, want %q", named, err, hint.Of(err), want)
		}
	}
	for _, repo := range []string{"/team", "./out", "../out", "file:///tmp/x"} {
		if err := checkRepository(&options.PublishOptions{Push: true, DockerRepo: repo}, "team/app"); err == nil || !strings.Contains(hint.Of(err), "--oci-layout-path") {
			t.Errorf("%q: error %v", repo, err)
		}
	}
	for _, po := range []*options.PublishOptions{{DockerRepo: "A"}, {Push: true, Local: true, DockerRepo: "A"}, {Push: true, DockerRepo: "ko.local/A"}} {
		if err := checkRepository(po, "A"); err != nil {
			t.Errorf("%+v: %v", po, err)
		}
	}
}
