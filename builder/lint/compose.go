package lint

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/source"
)

// readCompose reads the services of a Compose file. They are read from the text and
// not with Compose's own library because that forgets lines and columns.
//
// https://docs.docker.com/reference/compose-file/services/
func readCompose(doc *source.Node) []*group {
	g := &group{Runtime: onCompose, Style: composeYAML, platformUnsure: true,
		Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	for _, f := range doc.Get("services").Map() {
		c := readService(f.Key, f.Value)
		c.group = g
		g.Containers = append(g.Containers, c)
	}
	return []*group{g}
}

func readService(key, n *source.Node) *container {
	c := &container{
		Name:      key.Text,
		Pos:       key.Pos,
		ImageRef:  interpolated(n.Get("image")),
		Essential: true,
		Env:       readEnvironment(n.Get("environment")),
		User:      n.Get("user"),
	}
	if n.Get("build").Given() {
		c.ImageRef = nil // its name is that of what will be built
	}
	for _, p := range append(n.Get("ports").List(), n.Get("expose").List()...) {
		if port, ok := readPort(p); ok {
			c.Ports = append(c.Ports, port)
		}
	}
	for _, f := range n.Get("depends_on").Map() {
		if condition, _ := f.Value.Get("condition").Str(); condition == "service_healthy" {
			c.DependsOn = append(c.DependsOn, dependency{f.Key.Text, f.Key.Pos})
		}
	}
	for _, v := range n.Get("volumes").List() {
		c.Mounts = append(c.Mounts, readVolume(v))
	}
	if s, ok := n.Get("platform").Str(); ok {
		if p, err := v1.ParsePlatform(s); err == nil && p.Architecture != "" && !strings.Contains(s, "$") {
			c.Own = p
		}
	}
	c.readComposeCheck(n.Get("healthcheck"))
	c.Command = parseCommand(c.Check)
	return c
}

// interpolated returns nil for an image whose name holds a variable without a default,
// and for others the name with defaults filled in.
func interpolated(n *source.Node) *source.Node {
	s, ok := n.Str()
	if !ok {
		return n
	}
	filled := *n
	filled.Text = composeDefault.ReplaceAllString(s, "$1")
	if strings.Contains(filled.Text, "$") {
		return nil
	}
	return &filled
}

var composeDefault = regexp.MustCompile(`\$\{\w+:?-([^${}]*)\}`)

func readEnvironment(n *source.Node) map[string]string {
	env := map[string]string{}
	for _, f := range n.Map() {
		env[f.Key.Text], _ = f.Value.Str()
	}
	for _, item := range n.List() {
		key, value, _ := strings.Cut(item.Text, "=")
		env[key] = value
	}
	return env
}

// readPort reads the container's port of "8080:80", 80, "80/tcp" or {target: 80}.
func readPort(n *source.Node) (int, bool) {
	if n.Get("target").Given() {
		return n.Get("target").Int()
	}
	s, _ := n.Str()
	s, _, _ = strings.Cut(s[strings.LastIndex(s, ":")+1:], "/")
	port, err := strconv.Atoi(s)
	return port, err == nil
}

// readVolume returns the path in the container of "data:/data:ro" or {target: /data}.
func readVolume(n *source.Node) *source.Node {
	if n.Get("target").Given() {
		return n.Get("target")
	}
	s, _ := n.Str()
	parts := strings.Split(s, ":")
	path := parts[min(1, len(parts)-1)]
	return &source.Node{Kind: source.Scalar, Text: path, Pos: n.At()}
}

func (c *container) readComposeCheck(n *source.Node) {
	if !n.Given() {
		return
	}
	if n.Kind != source.Map {
		c.Unclear = true
		return
	}
	c.Check = &check{
		Pos:           n.Pos,
		Test:          c.readTest(n.Get("test")),
		Interval:      readDuration(n.Get("interval")),
		Timeout:       readDuration(n.Get("timeout")),
		StartPeriod:   readDuration(n.Get("start_period")),
		StartInterval: readDuration(n.Get("start_interval")),
		Retries:       readNumber(n.Get("retries")),
	}
	if n.Get("disable").IsTrue() {
		c.Check.Test = []arg{{Text: "NONE", Pos: n.Get("disable").Pos}}
	}
}

// readTest reads a list, or a string, which is a shell command.
func (c *container) readTest(n *source.Node) []arg {
	args := readArgs(n.List())
	if s, ok := n.Str(); ok {
		args = []arg{{Text: "CMD-SHELL", Pos: n.Pos}, {Text: redactText(s), Pos: n.Pos}}
	}
	for i := range args {
		if composeVariable.MatchString(args[i].Text) {
			c.Dollars = append(c.Dollars, &source.Node{Kind: source.Scalar, Text: args[i].Text, Pos: args[i].Pos})
		}
		args[i].Text = strings.ReplaceAll(composeDefault.ReplaceAllString(args[i].Text, "$1"), "$$", "$")
	}
	return args
}

// composeVariable matches a variable that Compose itself replaces, and no $$.
var composeVariable = regexp.MustCompile(`(^|[^$])(\$\$)*\$(\w|\{)`)

func readDuration(n *source.Node) duration {
	if !n.Given() {
		return duration{}
	}
	s, ok := n.Str()
	if !ok || strings.Contains(s, "$") {
		return duration{}
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && strings.ContainsAny(s, "dw"): // days and weeks, which Compose takes, too
		return duration{}
	case err != nil:
		return duration{Bad: s, Pos: n.Pos}
	}
	return duration{Value: d, Given: true, Pos: n.Pos}
}
