package lint

import (
	"fmt"
	"slices"
	"time"

	"github.com/ko-health/kohealth/builder/doctree"
)

// isCopilot reports whether a document is a manifest of AWS Copilot's.
func isCopilot(doc *doctree.Node) bool {
	kind, _ := doc.Get("type").Str()
	return doc.Get("name").Given() && slices.Contains([]string{"Load Balanced Web Service", "Backend Service", "Worker Service", "Scheduled Job"}, kind)
}

// readCopilot reads the task that Copilot makes of a manifest: the service's container, and
// its sidecars.
//
// https://aws.github.io/copilot-cli/docs/manifest/overview/
func readCopilot(_ *file, doc *doctree.Node) []*group {
	main := copilotContainer(doc.Get("name"), doc)
	image := doc.Get("image")
	main.Fields = append(main.Fields, field("healthCheck", copilotCheck(image.Get("healthcheck"))))
	if port := image.Get("port"); port.Given() {
		main.Fields = append(main.Fields, field("portMappings", &doctree.Node{Kind: doctree.List, Pos: port.Pos, Items: []*doctree.Node{
			{Kind: doctree.Map, Pos: port.Pos, Fields: []doctree.Field{field("containerPort", port)}},
		}}))
	}
	main.Fields = append(main.Fields, field("image", image.Get("location")), field("dependsOn", copilotDepends(image.Get("depends_on"))))
	list := &doctree.Node{Kind: doctree.List, Items: []*doctree.Node{main}}
	for _, f := range doc.Get("sidecars").Map() {
		n := copilotContainer(f.Key, f.Value)
		ref := f.Value.Get("image")
		if ref != nil && ref.Kind == doctree.Map { // it is built
			ref = nil
		}
		n.Fields = append(n.Fields, field("image", ref), field("healthCheck", copilotCheck(f.Value.Get("healthcheck"))),
			field("dependsOn", copilotDepends(f.Value.Get("depends_on"))), field("essential", f.Value.Get("essential")))
		list.Items = append(list.Items, n)
	}
	g := readDefinitions(list, copilotStyle)
	g.Fargate = true
	for _, key := range []string{"environments", "taskdef_overrides"} {
		if doc.Get(key).Given() {
			g.left("what " + key + " say otherwise")
		}
	}
	if kind, _ := doc.Get("platform").Str(); kind != "" || doc.Get("platform").Given() {
		g.setPlatform(&doctree.Node{Kind: doctree.Map, Fields: []doctree.Field{field("cpuArchitecture", copilotArchitecture(doc.Get("platform")))}})
		g.platformUnsure = true
	}
	return []*group{g}
}

func field(key string, value *doctree.Node) doctree.Field {
	if value == nil {
		value = &doctree.Node{}
	}
	return doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: key, Pos: value.Pos}, Value: value}
}

// copilotContainer makes what the service's container and its sidecars are called alike.
func copilotContainer(name, n *doctree.Node) *doctree.Node {
	c := &doctree.Node{Kind: doctree.Map, Pos: name.At(n), Fields: []doctree.Field{field("name", name)}}
	variables := &doctree.Node{Kind: doctree.List}
	for _, key := range []string{"variables", "secrets"} {
		for _, f := range n.Get(key).Map() {
			value := f.Value
			if key == "secrets" || value.Kind != doctree.Scalar { // from somewhere else
				value = nil
			}
			variables.Items = append(variables.Items, &doctree.Node{Kind: doctree.Map, Fields: []doctree.Field{field("name", f.Key), field("value", value)}})
		}
	}
	c.Fields = append(c.Fields, field("environment", variables), // Copilot sets more
		field("environmentFiles", &doctree.Node{Kind: doctree.Unknown, Text: "Copilot's own variables"}),
		field("mountPoints", &doctree.Node{Kind: doctree.Unknown, Text: "volumes"}))
	return c
}

// copilotCheck makes ECS's check of Copilot's, whose durations have units.
func copilotCheck(n *doctree.Node) *doctree.Node {
	if n == nil || n.Kind != doctree.Map {
		return n
	}
	c := &doctree.Node{Kind: doctree.Map, Pos: n.Pos}
	for _, f := range n.Fields {
		key := f.Key.Text
		if key == "start_period" {
			key = "startPeriod"
		}
		value := f.Value
		if d, err := time.ParseDuration(value.Text); err == nil && value.Kind == doctree.Scalar && !value.Bare && d%time.Second == 0 {
			value = &doctree.Node{Kind: doctree.Scalar, Text: fmt.Sprint(int(d / time.Second)), Bare: true, Pos: value.Pos}
		}
		c.Fields = append(c.Fields, field(key, value))
	}
	if !c.Get("command").Given() { // Copilot's own
		c.Fields = append(c.Fields, field("command", &doctree.Node{Kind: doctree.List, Pos: n.Pos, Items: []*doctree.Node{
			{Kind: doctree.Scalar, Text: "CMD-SHELL", Pos: n.Pos}, {Kind: doctree.Scalar, Text: "curl -f http://localhost/ || exit 1", Pos: n.Pos}}}))
	}
	return c
}

// copilotDepends makes ECS's dependencies of a map of conditions.
func copilotDepends(n *doctree.Node) *doctree.Node {
	list := &doctree.Node{Kind: doctree.List}
	for _, f := range n.Map() {
		condition := *f.Value
		if condition.Text == "healthy" {
			condition.Text = "HEALTHY"
		}
		list.Items = append(list.Items, &doctree.Node{Kind: doctree.Map, Pos: f.Key.Pos, Fields: []doctree.Field{
			field("containerName", f.Key), field("condition", &condition)}})
	}
	return list
}

// copilotArchitecture returns the architecture of linux/arm64, or of {architecture: arm64}.
func copilotArchitecture(n *doctree.Node) *doctree.Node {
	text, _ := n.Str()
	if n.Get("architecture").Given() {
		text, _ = n.Get("architecture").Str()
	}
	arch := &doctree.Node{Kind: doctree.Scalar, Text: "X86_64", Pos: n.Pos}
	if text == "linux/arm64" || text == "arm64" || text == "linux/arm" {
		arch.Text = "ARM64"
	}
	return arch
}
