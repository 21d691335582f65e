package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ko-health/kohealth/builder/doctree"
)

// moduleTasks reads the tasks that a call of a module describes, as those of
// terraform-aws-modules/ecs are: container_definitions, a map of them by their names, in the
// module's arguments or in one of its services. cloudposse's module is for one container.
//
// https://registry.terraform.io/modules/terraform-aws-modules/ecs/aws/latest
func (m *module) moduleTasks(block *hclsyntax.Block) (tasks []*Task) {
	if len(block.Labels) != 1 {
		return nil
	}
	e := &evaluator{module: m}
	address := "module." + block.Labels[0]
	arguments := &doctree.Node{Kind: doctree.Map, Pos: posOf(block.TypeRange)}
	for _, a := range sorted(block.Body.Attributes) {
		arguments.Fields = append(arguments.Fields, doctree.Field{Key: keyNode(a.Name, a.NameRange), Value: e.node(a.Expr)})
	}
	if t := moduleTask(address, arguments); t != nil {
		tasks = append(tasks, t)
	}
	for _, f := range arguments.Get("services").Map() {
		if t := moduleTask(address+"."+f.Key.Text, f.Value); t != nil {
			tasks = append(tasks, t)
		}
	}
	if arguments.Get("container_image").Given() && arguments.Get("healthcheck").Given() {
		tasks = append(tasks, oneContainer(address, arguments))
	}
	return tasks
}

// moduleTask makes a task of arguments that have container_definitions, or nothing.
func moduleTask(address string, arguments *doctree.Node) *Task {
	definitions := arguments.Get("container_definitions")
	if definitions == nil || definitions.Kind != doctree.Map && definitions.Kind != doctree.List {
		return nil
	}
	t := &Task{Address: address, Partial: true}
	list := &doctree.Node{Kind: doctree.List, Pos: definitions.Pos, Items: definitions.Items}
	for _, f := range definitions.Map() {
		container := f.Value
		if container.Kind == doctree.Map {
			t.Snake = t.Snake || container.Get("health_check").Given()
			container = withoutUnderscores(container)
			if !container.Get("name").Given() {
				container.Fields = append(container.Fields, doctree.Field{Key: f.Key, Value: f.Key})
				container.Fields[len(container.Fields)-1].Key = &doctree.Node{Kind: doctree.Scalar, Text: "name", Pos: f.Key.Pos}
			}
		}
		list.Items = append(list.Items, container)
	}
	t.Node = &doctree.Node{Kind: doctree.Map, Pos: arguments.Pos}
	for _, f := range withoutUnderscores(arguments).Fields {
		if !strings.EqualFold(f.Key.Text, "containerDefinitions") {
			t.Node.Fields = append(t.Node.Fields, f)
		}
	}
	t.Node.Fields = append(t.Node.Fields, doctree.Field{Key: &doctree.Node{Kind: doctree.Scalar, Text: "containerDefinitions"}, Value: list})
	return t
}

// withoutUnderscores returns a value whose keys are ECS's: health_check is healthCheck.
func withoutUnderscores(n *doctree.Node) *doctree.Node {
	c := *n
	c.Fields = nil
	for _, f := range n.Fields {
		key := *f.Key
		key.Text = strings.ReplaceAll(key.Text, "_", "")
		if key.Text == "dependencies" {
			key.Text = "dependsOn"
		}
		value := f.Value
		if value != nil && value.Kind == doctree.Map && key.Text != "environment" {
			value = withoutUnderscores(value)
		}
		c.Fields = append(c.Fields, doctree.Field{Key: &key, Value: value})
	}
	c.Items = nil
	for _, item := range n.Items {
		c.Items = append(c.Items, withoutUnderscores(item))
	}
	return &c
}

// oneContainer makes a task of the arguments of a module for one container.
//
// https://registry.terraform.io/modules/cloudposse/ecs-container-definition/aws/latest
func oneContainer(address string, arguments *doctree.Node) *Task {
	container := &doctree.Node{Kind: doctree.Map, Pos: arguments.Pos}
	for _, f := range arguments.Fields {
		key := *f.Key
		key.Text = strings.ReplaceAll(strings.TrimPrefix(key.Text, "container_"), "_", "")
		if f.Key.Text == "container_depends_on" {
			key.Text = "dependsOn"
		}
		container.Fields = append(container.Fields, doctree.Field{Key: &key, Value: f.Value})
	}
	list := &doctree.Node{Kind: doctree.List, Pos: arguments.Pos, Items: []*doctree.Node{container}}
	return &Task{Address: address, Partial: true, Node: &doctree.Node{Kind: doctree.Map, Pos: arguments.Pos, Fields: []doctree.Field{
		{Key: &doctree.Node{Kind: doctree.Scalar, Text: "containerDefinitions"}, Value: list},
	}}}
}
