// Package taskdef edits ECS task definitions, and CloudFormation templates that hold
// some, in JSON and YAML: it puts in images and health checks and leaves every other
// byte as it is.
//
//	file, err := taskdef.Parse(data)
//	…
//	edited, err := file.Edit([]taskdef.Change{{Container: file.Containers[0], Image: ref, Check: &check}})
//	os.Stdout.Write(edited.Data)
//
// Libraries that set values in JSON, such as tidwall/sjson, put new members at the end,
// in a style of their own, know neither positions nor YAML, and take broken input; those
// for YAML write the whole file anew. Here, an edit is a replacement of some bytes, and
// before it is handed out it is read again: it has to mean what the file meant, but for
// the changes.
package taskdef

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/render"
)

// A File is a task definition, or a template with any number of them.
type File struct {
	Containers []*Container // in the order of the file

	mark     []byte // a byte order mark, or nothing
	data     []byte // behind the mark
	root     *doctree.Node
	template bool
}

// A Container is a container definition.
type Container struct {
	Name    string      // of a parameter, its default, or else the parameter's own name; "" if there is none
	Task    string      // the name of the template's resource that it is of; "" in a task definition
	Image   string      // the same
	Checked bool        // it has a health check of its own
	Pos     doctree.Pos // of the image, or else of the container

	node *doctree.Node
}

// Ports returns the TCP ports that the container maps, as far as they are known.
func (c *Container) Ports() (ports []int) {
	for _, mapping := range c.node.Get("portMappings").List() {
		protocol, _ := mapping.Get("protocol").Str()
		known := protocol == "tcp" || !mapping.Get("protocol").Given()
		if port, ok := mapping.Get("containerPort").Int(); ok && known && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

// Parse reads a file. Errors that are at a place of it are of type [*doctree.Error].
func Parse(data []byte) (*File, error) {
	f := &File{data: data}
	if rest, ok := bytes.CutPrefix(data, []byte("\uFEFF")); ok {
		f.mark, f.data = data[:len(data)-len(rest)], rest
	}
	if limits.Document.Check(int64(len(data))) == nil && !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	var err error
	if f.root, err = doctree.Parse(f.data); err != nil {
		return nil, err
	}
	if err := f.readContainers(); err != nil {
		return nil, err
	}
	if err := f.checkEnd(); err != nil {
		return nil, err
	}
	return f, f.checkPlaces()
}

// checkEnd refuses further YAML documents, which would be left as they are.
func (f *File) checkEnd() error {
	if f.isJSON() || !bytes.Contains(f.data, []byte("\n---")) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(f.data))
	var doc yaml.Node
	if err := errors.Join(dec.Decode(&doc), dec.Decode(&doc)); !errors.Is(err, io.EOF) {
		return &doctree.Error{Pos: doctree.Pos{Line: max(doc.Line, 1), Column: max(doc.Column, 1)}, Err: errors.New("there is a second YAML document")}
	}
	return nil
}

// isJSON reports whether the file is read as JSON.
func (f *File) isJSON() bool {
	text := bytes.TrimSpace(f.data)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

func (f *File) readContainers() error {
	definitions, err := f.definitions()
	if err != nil {
		return err
	}
	for _, d := range definitions {
		if err := checkNames(d.containers); err != nil {
			return err
		}
		f.collect(d.task, d.containers)
	}
	if len(f.Containers) == 0 {
		return &doctree.Error{Pos: f.root.At(), Err: errors.New("there are no container definitions")}
	}
	return nil
}

// A definition is the container definitions of a task.
type definition struct {
	task       string // the name of the resource
	containers *doctree.Node
}

// definitions returns the lists of container definitions.
func (f *File) definitions() (lists []definition, err error) {
	const key = "containerDefinitions"
	described := f.root.Get("taskDefinition") // what describe-task-definition prints
	switch {
	case f.root.Get("Resources").Given():
		f.template = true
		for _, r := range f.root.Get("Resources").Map() {
			if kind, _ := r.Value.Get("Type").Str(); kind == "AWS::ECS::TaskDefinition" {
				lists = append(lists, definition{r.Key.Text, r.Value.Get("Properties").Get(key)})
			}
		}
	case f.root.Get(key).Given():
		lists = append(lists, definition{"", f.root.Get(key)})
	case described.Get(key).Given():
		lists = append(lists, definition{"", described.Get(key)})
	case len(f.root.List()) > 0: // Terraform's container_definitions
		lists = append(lists, definition{"", f.root})
	default:
		return nil, hint.With(errors.New("neither an ECS task definition nor a CloudFormation template"),
			`a task definition has "containerDefinitions", a template "Resources"`)
	}
	return lists, nil
}

// collect adds the containers in n: maps with an image or a name, wherever they lie, as
// in the branches of Fn::If.
func (f *File) collect(task string, n *doctree.Node) {
	if n == nil {
		return
	}
	if n.Kind == doctree.Map && (n.Get("image") != nil || n.Get("name") != nil) {
		c := &Container{Name: f.nameOf(n.Get("name")), Task: task, Pos: n.Get("image").At(n), Checked: n.Get("healthCheck").Given(), node: n}
		c.Image, _ = n.Get("image").Str()
		f.Containers = append(f.Containers, c)
		return
	}
	for _, part := range n.Parts() {
		f.collect(task, part)
	}
}

var parameterName = regexp.MustCompile(`^\w+$`)

// nameOf returns a name, or what stands in its place for !Ref PARAMETER.
func (f *File) nameOf(n *doctree.Node) string {
	if name, ok := n.Str(); ok || n == nil {
		return name
	}
	parameter, _ := n.Get("Ref").Str()
	if n.Kind == doctree.Unknown && n.Inside == nil {
		parameter = n.Text
	}
	if !parameterName.MatchString(parameter) {
		return ""
	}
	if name, ok := f.root.Get("Parameters").Get(parameter).Get("Default").Str(); ok && name != "" {
		return name
	}
	return parameter
}

// IsDescribed reports whether the file is what describe-task-definition prints, which
// register-task-definition does not take before it is stripped.
func (f *File) IsDescribed() bool {
	task := f.root
	if described := f.root.Get("taskDefinition"); described.Get("containerDefinitions").Given() {
		return true
	}
	return !f.template && task.Get("containerDefinitions").Given() && (task.Get("taskDefinitionArn").Given() || task.Get("registeredAt").Given())
}

// checkNames refuses what ECS refuses: containers of one name in a task.
func checkNames(definitions *doctree.Node) error {
	seen := map[string]bool{}
	for _, n := range definitions.List() {
		name, ok := n.Get("name").Str()
		if ok && seen[name] {
			return &doctree.Error{Pos: n.Get("name").Pos, Err: fmt.Errorf("another container is named %q, too", name)}
		}
		seen[name] = true
	}
	return nil
}

// Scheme begins import paths in the places of images. It is ko's.
const Scheme = "ko://"

// checkPlaces refuses import paths that nothing would be built for.
func (f *File) checkPlaces() error {
	images := map[*doctree.Node]bool{}
	for _, c := range f.Containers {
		if c.Image != "" {
			images[c.node.Get("image")] = true
		}
	}
	return checkPlaces(f.root, images)
}

func checkPlaces(n *doctree.Node, images map[*doctree.Node]bool) error {
	if strings.HasPrefix(n.Text, Scheme) && !images[n] {
		return hint.With(&doctree.Error{Pos: n.Pos, Err: fmt.Errorf("%s is not the image of a container", n.Text)},
			"write ko://IMPORTPATH as it is, with no function around it, as the image of a container definition")
	}
	for _, part := range n.Parts() {
		if err := checkPlaces(part, images); err != nil {
			return err
		}
	}
	return nil
}

// Check returns an image's check as the file has to say it, and notes on what is not
// as in the image.
func (f *File) Check(c health.Config) (render.ECSHealthCheck, []string, error) {
	if f.template { // where some words have a meaning of their own
		if _, err := render.As("cloudformation", render.Request{Check: c}); err != nil {
			return render.ECSHealthCheck{}, nil, err
		}
	}
	return render.ECS(c)
}
