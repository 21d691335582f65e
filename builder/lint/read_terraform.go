package lint

import (
	"context"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hclfile"
)

func isTerraform(f *file) bool {
	ext := path.Ext(strings.ReplaceAll(f.name, `\`, "/"))
	return ext == ".tf" || ext == ".tofu"
}

// readTerraform reads the task definitions of a file of Terraform's.
func readTerraform(_ context.Context, f *file, o Options) (groups []*group, err error) {
	tasks, err := hclfile.Terraform(f.name, f.data, o.Dir)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		style := hclStyle
		switch {
		case t.IsJSON:
			style = camelJSON
		case t.Snake:
			style = hclSnake
		}
		g := readTask(t.Node, style)
		g.leaveDefinitions(t.Address, t.Node)
		if t.Partial {
			g.TaskMemory, g.platformUnsure = true, true
			for _, c := range g.Containers {
				c.EnvOpen = true
			}
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// leaveDefinitions notes container definitions that are not known, or not all.
func (g *group) leaveDefinitions(task string, node *doctree.Node) {
	definitions := node.Get("containerDefinitions")
	known := definitions != nil && definitions.Kind == doctree.List
	for _, n := range definitions.List() {
		known = known && n.Kind == doctree.Map
	}
	if !known {
		g.left("container definitions known only when the file is used: of " + task)
	}
}

// isPlan reports whether a document is what terraform show -json prints, of a plan or of a
// state.
//
// https://developer.hashicorp.com/terraform/internals/json-format
func isPlan(doc *doctree.Node) bool {
	return doc.Get("format_version").Given() && (doc.Get("planned_values").Given() || doc.Get("values").Given())
}

func readPlan(_ *file, doc *doctree.Node) []*group {
	root := doc.Get("planned_values")
	if !root.Given() {
		root = doc.Get("values")
	}
	return readPlanModule(root.Get("root_module"))
}

func readPlanModule(module *doctree.Node) (groups []*group) {
	for _, r := range module.Get("resources").List() {
		if kind, _ := r.Get("type").Str(); kind == "aws_ecs_task_definition" {
			groups = append(groups, readPlanned(r))
		}
	}
	for _, child := range module.Get("child_modules").List() {
		groups = append(groups, readPlanModule(child)...)
	}
	return groups
}

// readPlanned reads a task definition, whose containers are text in JSON. They stand where
// the text does.
func readPlanned(resource *doctree.Node) *group {
	values := resource.Get("values")
	task := &doctree.Node{Kind: doctree.Map, Pos: resource.At()}
	for _, f := range values.Map() {
		key := *f.Key
		key.Text = strings.ReplaceAll(key.Text, "_", "")
		value := f.Value
		if text, ok := value.Str(); ok && key.Text == "containerdefinitions" {
			if list, err := doctree.ParseText(text, value.Pos); err == nil {
				value = list
			}
		}
		if key.Text == "runtimeplatform" && len(value.List()) > 0 { // a block
			value = value.Items[0]
		}
		task.Fields = append(task.Fields, doctree.Field{Key: &key, Value: value})
	}
	for _, f := range task.Get("runtimeplatform").Map() {
		f.Key.Text = strings.ReplaceAll(f.Key.Text, "_", "")
	}
	g := readTask(task, camelJSON)
	address, _ := resource.Get("address").Str()
	g.leaveDefinitions(address, task)
	return g
}
