package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsAreNotPrinted gives secrets in every place in which they have no business
// being, so that messages tell of them.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/hello\n\ngo 1.22\n", "main.go": "package main\n\nfunc main() {}\n", "pod.yaml": "image: ko://example.com/hello\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ env, command string }{
		{"KO_DOCKER_REPO=https://u:s3cret@127.0.0.1:1/x", "build ."},
		{"KO_DOCKER_REPO=u:s3cret@127.0.0.1:1/x", "build ."},
		{"KO_DOCKER_REPO=u:a/s3cret@127.0.0.1:1/x", "build --bare ."},
		{"KO_DOCKER_REPO=s3cret@127.0.0.1:1/x", "base kohealth.local/static"},
		{"KO_DOCKER_REPO=https://u:s3cret@127.0.0.1:1/x", "resolve -f pod.yaml"},
		{"KO_DEFAULTBASEIMAGE=u:s3cret@127.0.0.1:1/x", "build --push=false ."},
		{"KO_DEFAULTBASEIMAGE=https://u:s3cret@127.0.0.1:1/x", "build --push=false ."},
		{"KO_DEFAULTBASEIMAGE=u:a/s3cret@127.0.0.1:1/x", "base --push=false"},
		{"KO_DEFAULTBASEIMAGE=s3cret@127.0.0.1:1/x", "try ."},
		{"DOCKER_HOST=tcp://u:s3cret@127.0.0.1:1", "build --local ."},
		{"DOCKER_HOST=tcp://s3cret@127.0.0.1:1", "try --engine ."},
		{"DOCKER_HOST=tcp://u:s3cret@127.0.0.1:1:2/%zz", "lint docker-daemon:x"},
		{"", "build --push=false --health=http://u:s3cret@:80/ ."},
		{"", "build --push=false --health=http://u:s3cret@example.com/ ."},
		{"", "try --health=u:s3cret@x ."},
		{"KOHEALTH_HEALTH=http://u:s3cret@:80/", "base --push=false kohealth.local/static"},
		{"", `build --push=false --health=["-header","Authorization:s3cret","x"] .`},
		{"", `build --push=false --health=["CMD","curl","-u","u:s3cret","http://:80/"] .`},
		{"", "build --push=false --health-package=x --health-key=https://u:s3cret@h/k.pub ."},
		{"", "build --push=false --health-package=x --health-key=https://h/k.pub?s3cret ."},
		{"", "build --push=false --health-package=x --health-repository=https://h/os?s3cret ."},
		{"", "build --push=false --health-package=x --health-repository=https://h/os#s3cret ."},
		{"", "build --push=false --health-package=x --health-repository=u:s3cret@h/os ."},
		{"", "lint https://u:s3cret@127.0.0.1:1/app"},
		{"", "render u:s3cret@127.0.0.1:1/app"},
		{"", "base --probe-from=u:s3cret@127.0.0.1:1/app:/x kohealth.local/static"},
	} {
		cmd := exec.Command("kohealth", strings.Fields(test.command)...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), "KO_DEFAULTBASEIMAGE=kohealth.local/static", "KO_DOCKER_REPO=127.0.0.1:1/x", "GOPROXY=off", test.env)
		out, err := cmd.CombinedOutput()
		if err == nil || strings.Contains(string(out), "s3cret") || !strings.Contains(string(out), "\nError: ") && !strings.HasPrefix(string(out), "Error: ") {
			t.Errorf("%s kohealth %s: %v\n%s", test.env, test.command, err, out)
		}
	}
}
