package lint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hint"
)

// RunLine finds what is wrong with the check of a container that docker run, podman run or
// nerdctl run starts. It has no places: findings are of the command.
func RunLine(ctx context.Context, words []string, o Options) ([]Finding, error) {
	engine, args := runArgs(words)
	if args == nil {
		return nil, hint.With(fmt.Errorf("reading command: it is no docker run, podman run or nerdctl run"), "kohealth lint -- docker run IMAGE")
	}
	g, err := readRun(engine, args)
	if err != nil {
		return nil, fmt.Errorf("reading %s run: %w", engine, err)
	}
	groups := o.tellRead(Format{ID: "run", Name: "a command of " + engine, runtime: onRun}, []*group{g})
	return o.lint(ctx, engine+" run", groups)
}

// runSwitches are the flags of run that take no value; all others take one.
//
// https://docs.docker.com/reference/cli/docker/container/run/,
// https://docs.podman.io/en/latest/markdown/podman-run.1.html
var runSwitches = []string{"detach", "interactive", "tty", "init", "no-healthcheck", "oom-kill-disable", "privileged", "publish-all", "quiet", "read-only",
	"rm", "sig-proxy", "disable-content-trust", "use-api-socket", "help", "d", "i", "t", "P", "q",
	"env-host", "http-proxy", "no-hosts", "no-hostname", "passwd", "read-only-tmpfs", "replace", "rmi", "rootfs", "tls-verify", "unsetenv-all"}

// runShort are the short names of the flags that matter.
var runShort = map[string]string{"e": "env", "u": "user", "w": "workdir", "v": "volume", "p": "publish"}

func newRunGroup() *group {
	return &group{Runtime: onRun, Style: runStyle, platformUnsure: true, Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
}

// readRun reads the flags of run, and the image behind them.
func readRun(engine string, args []string) (*group, error) {
	r := &runReader{engine: engine, container: &container{Essential: true, Env: map[string]string{}, Check: &check{}}}
	g := newRunGroup()
	r.container.group = g
	g.Containers = []*container{r.container}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" || !strings.HasPrefix(word, "-") || word == "-" {
			if word == "--" && len(args) > 0 {
				word, args = args[0], args[1:]
			}
			r.image(word, args)
			return g, nil
		}
		var err error
		if args, err = r.flag(word, args); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("there is no image")
}

// A runReader reads one command line.
type runReader struct {
	engine string
	*container
}

func (r *runReader) image(name string, command []string) {
	r.ImageRef = &doctree.Node{Kind: doctree.Scalar, Text: name}
	r.Command = words{Given: len(command) > 0, List: command}
	if len(r.Check.Test) == 0 && r.Check.isEmpty() {
		r.Check = nil
	}
	r.Said = r.Check
}

// isEmpty reports whether nothing is said of a check.
func (c *check) isEmpty() bool {
	return !c.Interval.Given && !c.Timeout.Given && !c.StartPeriod.Given && !c.StartInterval.Given && !c.Retries.Given &&
		c.Interval.Bad+c.Timeout.Bad+c.StartPeriod.Bad+c.StartInterval.Bad+c.Retries.Bad == ""
}

// flag reads a flag, and its value from the words behind it.
func (r *runReader) flag(word string, args []string) (rest []string, err error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if !strings.HasPrefix(word, "--") {
		letters := word[1:]
		for len(letters) > 1 && slices.Contains(runSwitches, letters[:1]) {
			letters = letters[1:]
		}
		name, value, hasValue = letters[:1], strings.TrimPrefix(letters[1:], "="), len(letters) > 1
		if long, ok := runShort[name]; ok {
			name = long
		}
	}
	if slices.Contains(runSwitches, name) {
		r.set(name, map[bool]string{true: value, false: "true"}[hasValue])
		return args, nil
	}
	if !hasValue {
		if len(args) == 0 {
			return nil, fmt.Errorf("flag %q has no value", word)
		}
		value, args = args[0], args[1:]
	}
	r.set(name, value)
	return args, nil
}

// set notes what a flag says.
func (r *runReader) set(name, value string) {
	c := r.container
	switch name {
	case "name":
		c.Name = value
	case "env":
		key, text, ok := strings.Cut(value, "=")
		if !ok {
			text = composefile.Unknown // passed on from where it is called
		}
		c.Env[key] = text
	case "env-file", "env-host":
		c.EnvOpen = true
	case "user":
		c.User = &doctree.Node{Kind: doctree.Scalar, Text: value}
	case "workdir":
		c.Dir = value
	case "volume":
		c.Mounts = append(c.Mounts, readVolume(&doctree.Node{Kind: doctree.Scalar, Text: value}))
	case "tmpfs":
		target, _, _ := strings.Cut(value, ":")
		c.Mounts = append(c.Mounts, &doctree.Node{Kind: doctree.Scalar, Text: target})
	case "mount":
		c.Mounts = append(c.Mounts, mountTarget(value)...)
	case "publish", "expose":
		if port, ok := readPort(&doctree.Node{Kind: doctree.Scalar, Text: value}); ok {
			c.Ports = append(c.Ports, port)
		}
	case "read-only":
		c.ReadOnly = value != "false"
	case "platform":
		if p, err := v1.ParsePlatform(value); err == nil && p.Architecture != "" {
			c.Own = p
		}
	case "entrypoint":
		r.Entrypoint = words{Given: true, List: r.entrypoint(value)}
	default:
		r.setHealth(name, value)
	}
}

// entrypoint returns what --entrypoint has started, which is nothing where it is empty.
// Podman takes a list in JSON, too.
func (r *runReader) entrypoint(value string) (list []string) {
	switch {
	case value == "", r.engine == "podman" && json.Unmarshal([]byte(value), &list) == nil:
		return list
	}
	return []string{value}
}

func (r *runReader) setHealth(name, value string) {
	check := r.container.Check
	switch name {
	case "no-healthcheck":
		if value != "false" {
			check.Test = []arg{{Text: "NONE"}}
		}
	case "health-cmd":
		if value == "" { // the engines take that as not said
			check.Test = nil
			return
		}
		test := []string{"CMD-SHELL", value}
		if r.engine == "podman" {
			test = podmanTest(value)
		}
		check.Test = nil
		for _, word := range test {
			check.Test = append(check.Test, arg{Text: word, Open: isOpen(word)})
		}
	case "health-interval":
		check.Interval = runDuration(value, doctree.Pos{})
	case "health-timeout":
		check.Timeout = runDuration(value, doctree.Pos{})
	case "health-start-period":
		check.StartPeriod = runDuration(value, doctree.Pos{})
	case "health-start-interval":
		check.StartInterval = runDuration(value, doctree.Pos{})
	case "health-retries":
		if check.Retries = readNumber(&doctree.Node{Kind: doctree.Scalar, Text: value}); check.Retries.Value == 0 && check.Retries.Bad == "" {
			check.Retries = number{} // the engine takes that as not said
		}
	}
}

// runDuration reads a duration of Docker's or Podman's flags. 0 is the default.
func runDuration(text string, at doctree.Pos) duration {
	d, err := time.ParseDuration(text)
	switch {
	case text == "disable", isOpen(text): // of Podman's interval
		return duration{Open: true, Pos: at}
	case err != nil:
		return duration{Bad: text, Pos: at}
	}
	return duration{Value: d, Given: d != 0, Pos: at}
}

// mountTarget returns where type=bind,source=/a,target=/b mounts something.
func mountTarget(value string) []*doctree.Node {
	for _, part := range strings.Split(value, ",") {
		key, target, _ := strings.Cut(part, "=")
		if key == "target" || key == "destination" || key == "dst" {
			return []*doctree.Node{{Kind: doctree.Scalar, Text: target}}
		}
	}
	return nil
}

// podmanTest returns the test that Podman makes of --health-cmd, or of HealthCmd: a list in
// JSON of two or more is run as it is, as are the words behind CMD, and all else by a shell.
//
// https://github.com/containers/podman/blob/main/pkg/specgenutil/specgen.go
func podmanTest(text string) []string {
	var list []string
	switch {
	case strings.EqualFold(text, "none"):
		return []string{"NONE"}
	case json.Unmarshal([]byte(text), &list) == nil && len(list) == 1:
		return []string{"CMD-SHELL", list[0]}
	case len(list) > 1 && (list[0] == "CMD" || list[0] == "CMD-SHELL" || list[0] == "NONE"):
		return list
	case len(list) > 1:
		return append([]string{"CMD"}, list...)
	}
	switch keyword, rest, _ := strings.Cut(text, " "); keyword {
	case "CMD":
		return strings.Fields(text)
	case "CMD-SHELL":
		return []string{keyword, rest}
	}
	return []string{"CMD-SHELL", text}
}
