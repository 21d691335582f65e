package probeargs_test

import (
	"fmt"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// unset stands for an environment in which no variable is set.
func unset(name, def string) (string, error) {
	if def == "" {
		return "", fmt.Errorf("variable %s is not set", name)
	}
	return def, nil
}

func ExampleParse() {
	cmd, err := probeargs.Parse([]string{"-status", "200-299,301", "-timeout=2s", "http://localhost:${PORT:-8080}/healthz"}, unset)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Targets[0])
	fmt.Println(cmd.Healthy(204), cmd.Healthy(302))
	// Output:
	// http://:8080/healthz
	// true false
}

func ExampleParse_errors() {
	for _, arg := range []string{"http://app:8080/healthz", "http://localhost/healthz", "tcp://:$PORT"} {
		_, err := probeargs.Parse([]string{arg}, unset)
		fmt.Println(err)
	}
	// Output:
	// parsing target "http://app:8080/healthz": host "app" is not this container: leave it out, as in "http://:8080/healthz"
	// parsing target "http://localhost/healthz": the port is missing: write "http://:8080/healthz"
	// parsing target "tcp://:$PORT": variable PORT is not set
}

func ExampleParseAs() {
	cmd, known, err := probeargs.ParseAs("/usr/bin/curl", []string{"-fsS", "-m", "2", "localhost:8080/healthz"})
	fmt.Println(known, err)
	fmt.Println(cmd.Targets[0], cmd.Timeout, cmd.Healthy(302), cmd.Healthy(404))

	_, _, err = probeargs.ParseAs("wget", []string{"--post-data=x", "http://localhost:8080/"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// http://:8080/healthz 2s true false
	// wget: option "--post-data" is not supported: leave it out, or call healthcheck with flags of its own
}
