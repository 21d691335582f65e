// Package render writes a health check for platforms that do not read it from the
// image, in their own words.
//
// A value that a platform cannot say exactly is an error, or is escaped or converted to one
// that means the same. Nothing is rounded. Where a check loses something that it can do
// without, as the start interval on ECS, there is a note about it.
//
//	out, err := render.As("ecs", render.Request{Check: check.Config()})
package render

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// A Request says what is rendered.
type Request struct {
	Check health.Config
	Image string // in command lines; "" leaves a place for it
	// Windows says that the image is for Windows, whose shell is another.
	Windows bool
	// Exec has Kubernetes run the check in the container even if it can check itself.
	Exec bool
}

// An Output is a check in a format.
type Output struct {
	Text  string
	Notes []string // what is not as in the image, a line each
}

// A Format is one that a check can be rendered in.
type Format struct {
	Name  string
	About string // one line
	write func(*rendering) error
}

// Formats returns all formats, the most important one first.
func Formats() []Format {
	return []Format{
		{"ecs", "ECS task definition: to merge into a container definition", ecs},
		{"compose", "Compose file: to merge into a service", compose},
		{"cloudformation", "CloudFormation template: to merge into a ContainerDefinition", cloudFormation},
		{"cdk", "AWS CDK, in TypeScript: a property of ContainerDefinitionOptions", cdk},
		{"terraform", "Terraform: an attribute for jsonencode in container_definitions", terraform},
		{"copilot", "AWS Copilot: to merge into a manifest", copilot},
		{"kubernetes", "Kubernetes: to merge into a container", kubernetes},
		{"quadlet", "Podman Quadlet: to merge into a .container file", quadlet},
		{"nomad", "Nomad: a check for a service that is registered in Consul", nomad},
		{"docker", "docker run", docker},
		{"podman", "podman run", podman},
		{"nerdctl", "nerdctl run", nerdctl},
	}
}

// A rendering is a check on its way into a format.
type rendering struct {
	check
	Request
	out   strings.Builder
	notes []string
}

// Known returns an error if there is no format of the given name.
func Known(format string) error {
	_, err := find(format)
	return err
}

func find(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, hint.With(fmt.Errorf("unknown format %q", name), "the formats are "+strings.Join(names, ", "))
}

// As renders a check in the format of the given name.
func As(format string, req Request) (Output, error) {
	f, err := find(format)
	if err != nil {
		return Output{}, err
	}
	c, err := newCheck(req.Check)
	if err != nil {
		return Output{}, err
	}
	r := &rendering{check: c, Request: req}
	if err := f.write(r); err != nil {
		return Output{}, fmt.Errorf("rendering health check for %s: %w", format, err)
	}
	return Output{Text: r.out.String(), Notes: r.notes}, nil
}

func (r *rendering) printf(format string, args ...any) { fmt.Fprintf(&r.out, format, args...) }

func (r *rendering) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// dropStartInterval notes that a platform has no start interval, if somebody chose one.
func (r *rendering) dropStartInterval(platform string) {
	if r.startInterval > 0 && r.startInterval != r.interval && r.startInterval != health.DefaultStartEvery {
		r.note("start_interval %s is left out: %s has none and checks every %s from the start",
			duration(r.startInterval), platform, duration(r.interval))
	}
}

func (r *rendering) yaml(value any) error {
	var doc yaml.Node
	if err := doc.Encode(value); err != nil {
		return err
	}
	quoteUnprintable(&doc)
	var text strings.Builder
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return err
	}
	r.printf("%s", escape(text.String(), map[rune]string{'\n': "\n"}, func(c rune) string { return fmt.Sprintf(`\U%08x`, c) }))
	return nil
}

// quoteUnprintable has YAML be in double quotes where characters are to be escaped.
func quoteUnprintable(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && !isPrintable(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quoteUnprintable(child)
	}
}

// words is a command in YAML: on one line, every word in quotes.
type words []string

// MarshalYAML implements [yaml.Marshaler].
func (w words) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range w {
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: s})
	}
	return node, nil
}
