package lint

import (
	"path"
	"slices"
	"strings"
)

// IsRun reports whether words are a call of docker, podman or nerdctl that runs a container.
func IsRun(words []string) bool {
	_, rest := runArgs(words)
	return rest != nil
}

// engineSwitches are flags of an engine's own without a value.
var engineSwitches = []string{"-D", "--debug", "--tls", "--tlsverify", "--remote", "-r", "--noout", "--syslog", "--transient-store", "--trace", "--debug-full",
	"--experimental", "--insecure-registry"}

// runArgs returns the engine of a call that runs a container, and what follows run or create.
func runArgs(words []string) (engine string, args []string) {
	if len(words) > 0 && path.Base(words[0]) == "sudo" {
		words = afterFlags(words[1:], []string{"-E", "-n", "-H", "-i", "-S", "--preserve-env"})
	}
	if len(words) < 2 {
		return "", nil
	}
	engine = path.Base(words[0])
	if engine != "docker" && engine != "podman" && engine != "nerdctl" {
		return "", nil
	}
	rest := afterFlags(words[1:], engineSwitches)
	if len(rest) > 0 && rest[0] == "container" {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] != "run" && rest[0] != "create" {
		return "", nil
	}
	return engine, rest[1:]
}

// afterFlags returns what follows flags, of which the switches have no value behind them.
func afterFlags(words, switches []string) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		own := 2
		attached := strings.Contains(words[0], "=") || len(words[0]) > 2 && !strings.HasPrefix(words[0], "--")
		if attached || slices.Contains(switches, words[0]) {
			own = 1
		}
		words = words[min(own, len(words)):]
	}
	return words
}
