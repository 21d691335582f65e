package lint

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
)

func readComposeFile(ctx context.Context, f *file, o Options) ([]*group, error) {
	project := composefile.Load(ctx, f.data, f.docs, composefile.Options{Dir: o.Dir, Name: filepath.Base(f.name), Environment: o.Environment})
	if project.Into != "" {
		g := newGroup()
		g.left("Compose merges it into " + filepath.Base(project.Into) + ", with which it is judged")
		return []*group{g}, nil
	}
	return []*group{readCompose(project, o.Dir)}, nil
}

// readCompose reads the services of a Compose file.
//
// https://docs.docker.com/reference/compose-file/services/
func readCompose(p *composefile.Project, dir string) *group {
	g := &group{Runtime: onCompose, Style: composeYAML, platformUnsure: true, Project: p, Refused: p.Refused,
		Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	g.left(p.Notes...)
	if len(p.Unset) > 0 {
		g.left("nothing sets " + strings.Join(p.Unset, ", ") + ", for which Compose puts nothing")
	}
	for _, f := range p.Root.Get("services").Map() {
		c := readService(g, f.Key, f.Value)
		c.readEnvFiles(f.Value.Get("env_file"), dir)
		g.Containers = append(g.Containers, c)
	}
	return g
}

func readService(g *group, key, n *doctree.Node) *container {
	c := &container{
		group:     g,
		Name:      key.Text,
		File:      g.Project.Included[key.Text],
		Pos:       key.Pos,
		ImageRef:  n.Get("image"),
		Essential: true,
		Env:       g.readEnvironment(n.Get("environment")),
		User:      n.Get("user"),
	}
	c.Fragment = !c.ImageRef.Given() && !n.Get("build").Given() && !n.Get("provider").Given()
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
	c.MountsOpen = n.Get("volumes_from").Given()
	c.Mounts = append(c.Mounts, mountedFiles(n.Get("configs"), "/")...)
	c.Mounts = append(c.Mounts, mountedFiles(n.Get("secrets"), "/run/secrets/")...)
	for _, v := range listOf(n.Get("tmpfs")) {
		path, _, _ := strings.Cut(v.Text, ":")
		c.Mounts = append(c.Mounts, &doctree.Node{Kind: doctree.Scalar, Text: path, Pos: v.At()})
	}
	c.Entrypoint, c.Command = readWords(n.Get("entrypoint")), readWords(n.Get("command"))
	c.Dir, _ = n.Get("working_dir").Str()
	c.ReadOnly = n.Get("read_only").IsTrue()
	if s, ok := n.Get("platform").Str(); ok {
		if p, err := v1.ParsePlatform(s); err == nil && p.Architecture != "" && !isOpen(s) {
			c.Own = p
		}
	}
	c.readComposeCheck(n.Get("healthcheck"))
	c.Said = c.Check
	c.Unclear = c.Unclear || n.Get("extends").Given() && (c.Check == nil || len(c.Check.Test) == 0)
	return c
}

// isOpen reports whether a part of a text is known only when the file is used.
func isOpen(text string) bool { return strings.Contains(text, composefile.Unknown) }

// readEnvironment reads variables. One without a value is passed on from where Compose
// runs.
func (g *group) readEnvironment(n *doctree.Node) map[string]string {
	env := map[string]string{}
	set := func(name string, value *doctree.Node) {
		if text, ok := value.Str(); ok {
			env[name] = text
		} else if text, ok := g.Project.Environment(name); ok {
			env[name] = text
		}
	}
	for _, f := range n.Map() {
		set(f.Key.Text, f.Value)
	}
	for _, item := range n.List() {
		name, value, ok := strings.Cut(item.Text, "=")
		if ok {
			env[name] = value
		} else {
			set(name, nil)
		}
	}
	return env
}

// readEnvFiles adds what env_file names. What environment says counts.
func (c *container) readEnvFiles(n *doctree.Node, dir string) {
	files := n.List()
	if path, ok := n.Str(); ok {
		files = []*doctree.Node{{Kind: doctree.Scalar, Text: path}}
	}
	own := maps.Clone(c.Env)
	for _, f := range files {
		path := f.Text
		if f.Kind == doctree.Map {
			path, _ = f.Get("path").Str()
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		values, err := composefile.ReadEnv(path, c.Project.Variables())
		if required := f.Get("required"); dir == "" || err != nil && !(required.Given() && !required.IsTrue()) {
			c.EnvOpen = true
			c.left(fmt.Sprintf("env_file %s is not read", filepath.Base(path)))
			continue
		}
		maps.Copy(c.Env, values)
	}
	maps.Copy(c.Env, own)
}

// readPort reads the container's TCP port of "8080:80", 80, "80/tcp" or {target: 80}.
func readPort(n *doctree.Node) (int, bool) {
	protocol, ok := n.Get("protocol").Str()
	if ok && protocol != "tcp" {
		return 0, false
	}
	if n.Get("target").Given() {
		return n.Get("target").Int()
	}
	s, _ := n.Str()
	s, protocol, ok = strings.Cut(s[strings.LastIndex(s, ":")+1:], "/")
	port, err := strconv.Atoi(s)
	return port, err == nil && (!ok || protocol == "tcp")
}

// mountedFiles returns where configs or secrets are in the container: under their names in a
// directory, where nothing else is said.
func mountedFiles(n *doctree.Node, dir string) (mounts []*doctree.Node) {
	for _, item := range n.List() {
		path, ok := item.Get("target").Str()
		if !ok {
			path, _ = item.Get("source").Str()
		}
		if item.Kind == doctree.Scalar {
			path = item.Text
		}
		if !strings.HasPrefix(path, "/") {
			path = dir + path
		}
		mounts = append(mounts, &doctree.Node{Kind: doctree.Scalar, Text: path, Pos: item.At()})
	}
	return mounts
}

// listOf returns the items of a list, or what stands in its place.
func listOf(n *doctree.Node) []*doctree.Node {
	if _, ok := n.Str(); ok {
		return []*doctree.Node{n}
	}
	return n.List()
}

// readVolume returns the path in the container of "data:/data:ro" or {target: /data}.
func readVolume(n *doctree.Node) *doctree.Node {
	if n.Get("target").Given() {
		return n.Get("target")
	}
	s, _ := n.Str()
	parts := strings.Split(s, ":")
	path := parts[min(1, len(parts)-1)]
	return &doctree.Node{Kind: doctree.Scalar, Text: path, Pos: n.At()}
}

func (c *container) readComposeCheck(n *doctree.Node) {
	if !n.Given() {
		return
	}
	if n.Kind != doctree.Map {
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
func (c *container) readTest(n *doctree.Node) []arg {
	args := readArgs(n.List())
	if s, ok := n.Str(); ok {
		args = []arg{{Text: "CMD-SHELL", Pos: n.Pos}, {Text: s, Pos: n.Pos}}
		c.Plain = s
	}
	for i := range args {
		args[i].Parts = c.Project.Parts(args[i].Text)
		args[i].Open = args[i].Open || isOpen(args[i].Text)
	}
	return args
}

func readDuration(n *doctree.Node) duration {
	if !n.Given() {
		return duration{}
	}
	s, ok := n.Str()
	if !ok || isOpen(s) || strings.Contains(s, "$") {
		return duration{Open: true, Pos: n.Pos}
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && strings.ContainsAny(s, "dw"): // days and weeks, which Compose takes, too
		return duration{Open: true, Pos: n.Pos}
	case err != nil:
		return duration{Bad: s, Pos: n.Pos}
	}
	return duration{Value: d, Given: true, Pos: n.Pos}
}
