package readers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/ko-health/kohealth/builder/health"
)

// shell has a real shell split a command line, and returns the words behind the
// program and its subcommand.
func shell(line string) ([]string, error) {
	program, _, _ := strings.Cut(line, " ")
	out, err := exec.Command("sh", "-c", program+` () { for word; do printf '%s\0' "$word"; done; }
`+line).Output()
	if err != nil {
		return nil, err
	}
	words := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if words[0] != "run" || words[len(words)-1] != "IMAGE" && words[len(words)-1] != "example.com/app:v1" {
		return nil, fmt.Errorf("words %q", words)
	}
	return words[1 : len(words)-1], nil
}

// flags reads the flags of docker, podman and nerdctl.
func flags(line string) (health.Config, map[string]string, error) {
	words, err := shell(line)
	if err != nil {
		return health.Config{}, nil, err
	}
	values := map[string]string{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || values[name] != "" {
			return health.Config{}, nil, fmt.Errorf("word %q", word)
		}
		values[name] = value
	}
	var c health.Config
	err = durations(&c, values["--health-interval"], values["--health-timeout"], values["--health-start-period"])
	if err == nil {
		c.Retries, err = strconv.Atoi(values["--health-retries"])
	}
	return c, values, err
}

func readDocker(line string) (health.Config, error) {
	c, values, err := flags(line)
	if s := values["--health-start-interval"]; s != "" && err == nil {
		var start health.Config
		err = durations(&start, s, "0s", "0s")
		c.StartInterval = start.Interval
	}
	return c, err
}

func readPodman(line string) (health.Config, error) {
	c, values, err := flags(line)
	if err != nil {
		return c, err
	}
	c.Test, err = podmanTest(values["--health-cmd"])
	return c, err
}

// podmanTest reads a --health-cmd as Podman does, in what all of its versions agree on.
// A test on the engine shows it on a real one.
func podmanTest(s string) ([]string, error) {
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil {
		switch strings.ToUpper(list[0]) {
		case "CMD-SHELL":
			return list, nil
		case "CMD", "NONE":
			return nil, fmt.Errorf("a list that begins with %s", list[0])
		}
		if len(list) < 2 {
			return nil, errors.New("a list of one is a shell command")
		}
		return append([]string{"CMD"}, list...), nil
	}
	switch keyword, rest, _ := strings.Cut(s, " "); keyword {
	case "CMD":
		return strings.Fields(s), nil
	case "CMD-SHELL":
		return []string{keyword, rest}, nil
	}
	return nil, fmt.Errorf("%q begins with no keyword", s)
}

// readQuadlet reads the file with systemd's syntax, and does to its values what Quadlet
// and then systemd do.
func readQuadlet(text string) (health.Config, error) {
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return health.Config{}, err
	}
	values := map[string]string{}
	for _, o := range options {
		if o.Section != "Container" || values[o.Name] != "" {
			return health.Config{}, fmt.Errorf("option %v", o)
		}
		values[o.Name] = strings.Trim(strings.TrimSpace(o.Value), `"`)
	}
	var c health.Config
	if err := durations(&c, values["HealthInterval"], values["HealthTimeout"], values["HealthStartPeriod"]); err != nil {
		return c, err
	}
	if c.Retries, err = strconv.Atoi(values["HealthRetries"]); err != nil {
		return c, err
	}
	command, err := expandUnit(values["HealthCmd"])
	if err != nil {
		return c, err
	}
	c.Test, err = podmanTest(command)
	return c, err
}

// expandUnit expands what systemd expands in a command line: everything that begins
// with % or $, of which only the doubled ones stand for themselves.
func expandUnit(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' || s[i] == '$' {
			if i++; i == len(s) || s[i] != s[i-1] {
				return "", fmt.Errorf("%q is expanded at byte %d", s, i-1)
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}
