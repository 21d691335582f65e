package lint

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/doctree"
)

// isInspect reports whether a document is what docker inspect or podman inspect prints of
// containers or images.
func isInspect(doc *doctree.Node) bool {
	first := doc
	if len(doc.List()) > 0 {
		first = doc.Items[0]
	}
	return first.Get("Config").Given() && first.Get("Id").Given() && !isTemplateOfAWS(doc)
}

func readInspect(_ *file, doc *doctree.Node) []*group {
	items := doc.List()
	if doc.Kind == doctree.Map {
		items = []*doctree.Node{doc}
	}
	g := newRunGroup()
	for _, n := range items {
		if n.Get("Config").Given() {
			g.Containers = append(g.Containers, readInspected(g, n))
		}
	}
	return []*group{g}
}

// readInspected reads a container, which has all that its image says, or an image.
//
// https://docs.docker.com/reference/api/engine/
func readInspected(g *group, n *doctree.Node) *container {
	config := n.Get("Config")
	c := &container{group: g, Pos: n.At(), Essential: true, Env: map[string]string{}, ImageRef: config.Get("Image")}
	name, _ := n.Get("Name").Str()
	c.Name = strings.TrimPrefix(name, "/")
	if ref, _ := c.ImageRef.Str(); ref == "" || !n.Get("State").Given() {
		c.ImageRef = nil
		if tags := n.Get("RepoTags").List(); len(tags) > 0 {
			c.ImageRef, c.Name = tags[0], tags[0].Text
		}
	}
	for _, kv := range config.Get("Env").List() {
		name, value, _ := strings.Cut(kv.Text, "=")
		c.Env[name] = value
	}
	if user, ok := config.Get("User").Str(); ok && user != "" {
		c.User = config.Get("User")
	}
	c.Dir, _ = config.Get("WorkingDir").Str()
	c.ReadOnly = n.Get("HostConfig").Get("ReadonlyRootfs").IsTrue()
	for _, f := range config.Get("ExposedPorts").Map() {
		c.Ports = append(c.Ports, exposed([]string{f.Key.Text})...)
	}
	for _, m := range n.Get("Mounts").List() {
		c.Mounts = append(c.Mounts, m.Get("Destination"))
	}
	c.Entrypoint = words{Given: true, List: textsOf(slices.Concat(config.Get("Entrypoint").List(), config.Get("Cmd").List()))}
	for _, f := range n.Get("HostConfig").Get("Tmpfs").Map() {
		c.Mounts = append(c.Mounts, f.Key)
	}
	c.Own = inspectedPlatform(n)
	c.readInspectedCheck(config.Get("Healthcheck"))
	if n.Get("Healthcheck").Given() { // of an image, as Podman prints it
		c.readInspectedCheck(n.Get("Healthcheck"))
	}
	return c
}

// inspectedPlatform returns what an image is for, which of a container is known for Windows
// only; nil is not said.
func inspectedPlatform(n *doctree.Node) *v1.Platform {
	system, arch := cmp.Or(textOf(n.Get("Os")), textOf(n.Get("Platform")), "linux"), textOf(n.Get("Architecture"))
	if arch == "" && system != "windows" {
		return nil
	}
	return &v1.Platform{OS: system, Architecture: cmp.Or(arch, "amd64")}
}

func textsOf(list []*doctree.Node) (texts []string) {
	for _, n := range list {
		texts = append(texts, n.Text)
	}
	return texts
}

func (c *container) readInspectedCheck(n *doctree.Node) {
	if !n.Given() {
		return
	}
	c.Check = &check{
		Pos: n.Pos, Test: readArgs(n.Get("Test").List()),
		Interval: readNanoseconds(n.Get("Interval")), Timeout: readNanoseconds(n.Get("Timeout")),
		StartPeriod: readNanoseconds(n.Get("StartPeriod")), StartInterval: readNanoseconds(n.Get("StartInterval")),
		Retries: readNumber(n.Get("Retries")),
	}
	c.Said = c.Check
}

func readNanoseconds(n *doctree.Node) duration {
	i := readNumber(n)
	return duration{Value: time.Duration(i.Value), Given: i.Given && i.Value != 0, Bad: i.Bad, Pos: i.Pos}
}
