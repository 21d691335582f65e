package judge

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// probe is kohealth's probe, with its arguments or those that are in the image.
func (c *call) probe() result {
	args := c.args()
	if c.open {
		return unclear
	}
	l := &lookup{call: c}
	cmd, err := probeargs.ParseOver(args, func() ([]string, error) { return c.probeFile() }, l.value)
	switch {
	case err != nil && l.missing != "":
		c.cause(c.scene, "no-variable", c.at, "the variable "+l.missing+" is set nowhere, and the probe's arguments need it")
		return failsWith("1")
	case err != nil && (l.open || !isKnown(strings.Join(args, " "))):
		return result{status: either}
	case err != nil:
		c.cause(c.scene, "probe-arguments", c.at, "the probe does not understand its arguments: "+err.Error())
		return failsWith("1")
	}
	if l.open || !isKnown(strings.Join(args, " ")) {
		return result{status: either}
	}
	if d := time.Duration(cmd.Timeout); d > 0 {
		c.late(d.String(), "healthcheck")
	}
	for _, t := range cmd.Targets {
		if r := c.target(t, cmd); r.status == fails {
			return r
		}
	}
	return result{status: c.asExpected(true)}
}

// probeFile returns the arguments that are in the image.
func (c *call) probeFile() ([]string, error) {
	text := c.readFile(health.ArgsPath)
	if strings.TrimSpace(text) == "" {
		return nil, errors.New(health.ArgsPath + " is not in the image, and there are no others")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// A lookup finds the values of variables for the probe.
type lookup struct {
	*call
	missing string // the first that is set nowhere
	open    bool   // one has a value that is not known
}

func (l *lookup) value(name, def string) (string, error) {
	switch value := l.shell.value(name); {
	case !isKnown(value) && def == "":
		l.open = true
		return "8080", nil // which is a port, and may be a path
	case !isKnown(value):
		l.open = true
		return def, nil
	case value != unset && value != "":
		return value, nil
	case def != "":
		return def, nil
	}
	if l.missing == "" {
		l.missing = name
	}
	return "", errors.New("variable " + name + " is not set")
}

// target judges a target of the probe.
func (c *call) target(t probeargs.Target, cmd *probeargs.Command) result {
	a := asked{arg: c.arg, offset: c.of(c.at), tool: "the probe", scheme: t.Scheme, host: t.Host, path: t.Path}
	if t.Port != 0 {
		a.port = strconv.Itoa(int(t.Port))
	}
	if t.Scheme == "auto" && t.Path != "" {
		for port := range strings.SplitSeq(t.Path, ",") {
			a.port = port
			c.asks(a)
		}
	}
	c.asks(a)
	switch {
	case t.Scheme == "auto":
		return c.auto()
	case t.Scheme == "file":
		return c.isThere(t.Path)
	case t.IsTLS() && c.container.Files != nil && c.has(health.ProbePath) && !c.holds(health.ProbePath, "crypto/tls"):
		c.cause(c.scene, "probe-arguments", c.at, "the probe in the image speaks no TLS: it was built for a check without")
		return failsWith("1")
	}
	if started := c.started(); started != "" && path.Base(started) == "dlv" && t.Scheme != "file" {
		c.tell("waits-for-debugger", c.at, "a debugger starts in the container, and the app only when somebody attaches to it: check with auto", nil)
	}
	return result{status: either}
}

// started returns the program that starts in the container, or "".
func (c *call) started() string {
	if len(c.container.Command) == 0 {
		return ""
	}
	return c.container.Command[0]
}

// appDir is where auto looks for the app: ko puts it there.
const appDir = "/ko-app"

// auto judges the target auto, which finds the app by its place.
func (c *call) auto() result {
	started := c.started()
	if c.container.Files == nil || started == "" || strings.HasPrefix(started, appDir+"/") || c.container.mountOver(appDir) != "" {
		return result{status: either}
	}
	message := "auto checks the app in " + appDir + ", and " + started + " starts in the container: give the probe a target"
	if !c.has(appDir) {
		c.cause(c.scene, "not-ko-app", c.at, message)
		return failsWith("1")
	}
	if !slices.ContainsFunc(c.container.Command, func(a string) bool { return strings.HasPrefix(a, appDir+"/") }) {
		c.tell("not-ko-app", c.at, message, nil)
	}
	return result{status: either}
}
