// Package hclfile reads files in HCL: the ECS task definitions of Terraform's, and the jobs
// of Nomad's. Locals, defaults of variables, functions, heredocs and the templates beside
// them are known without either; whatever only a plan or a client knows stays unknown.
//
//	tasks, err := hclfile.Terraform("main.tf", data, dir)
//
// A task has the keys that ECS's own task definitions have, whatever Terraform calls them.
//
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_task_definition
package hclfile

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// A Task is a task definition.
type Task struct {
	// Address is what Terraform calls it, such as aws_ecs_task_definition.app.
	Address string
	// Node has containerDefinitions, and what else the task says, in ECS's words. Values that
	// are not known are of kind [doctree.Unknown], or hold [doctree.Open].
	Node *doctree.Node
	// IsJSON says that the definitions are text in JSON, and not HCL.
	IsJSON bool
	// Snake says that keys are written like health_check, as some modules have them.
	Snake bool
	// Partial says that the task is a part of what a module makes of it, which adds more.
	Partial bool
}

// Terraform reads the task definitions of a file. Other files of the directory are read for
// what the file names of them; "" is no directory. Errors in the file's syntax are of type
// [*doctree.Error].
func Terraform(name string, data []byte, dir string) ([]*Task, error) {
	if err := limits.Document.Check(int64(len(data))); err != nil {
		return nil, err
	}
	body, err := parseBody(name, data)
	if err != nil {
		return nil, err
	}
	m := newModule(name, data, dir)
	m.add(body)
	if slices.ContainsFunc(body.Blocks, mayHaveTasks) {
		m.readOthers()
	}
	var tasks []*Task
	for _, block := range body.Blocks {
		if task := m.task(block); task != nil {
			tasks = append(tasks, task)
		}
		if block.Type == "module" {
			tasks = append(tasks, m.moduleTasks(block)...)
		}
	}
	return tasks, nil
}

// mayHaveTasks reports whether a block describes tasks.
func mayHaveTasks(block *hclsyntax.Block) bool { return isTask(block) || block.Type == "module" }

func isTask(block *hclsyntax.Block) bool {
	return block.Type == "resource" && len(block.Labels) == 2 && block.Labels[0] == "aws_ecs_task_definition"
}

// parseBody parses a file. What the parser, which calls itself, could not bear is refused.
func parseBody(name string, data []byte) (*hclsyntax.Body, error) {
	if err := limits.ExpressionDepth.Check(nesting(data)); err != nil {
		return nil, err
	}
	parsed, diags := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, locate(diags)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, errors.New("there is no body")
	}
	return body, nil
}

// nesting returns at most how deep expressions are in each other.
func nesting(data []byte) (most int64) {
	var brackets, signs, questions int64
	for _, b := range data {
		switch b {
		case '(', '[', '{':
			brackets++
		case ')', ']', '}':
			brackets = max(brackets-1, 0)
		case '?':
			questions++
		}
		switch b {
		case '!', '-':
			signs++
		case ' ', '\t', '\r', '\n':
		default:
			signs = 0
		}
		most = max(most, brackets, signs, questions)
	}
	return most
}

func locate(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			text := strings.TrimSuffix(d.Summary, ".")
			if d.Detail != "" {
				text += ": " + strings.TrimSuffix(d.Detail, ".")
			}
			return &doctree.Error{Pos: posOf(*d.Subject), Err: errors.New(text)}
		}
	}
	return diags
}

func posOf(r hcl.Range) doctree.Pos { return doctree.Pos{Line: r.Start.Line, Column: r.Start.Column} }

// task reads a resource, or a data source, that is a task definition.
func (m *module) task(block *hclsyntax.Block) *Task {
	if !isTask(block) {
		return nil
	}
	t := &Task{Address: strings.Join(block.Labels, ".")}
	t.Node = &doctree.Node{Kind: doctree.Map, Pos: posOf(block.TypeRange)}
	e := &evaluator{module: m}
	for _, a := range sorted(block.Body.Attributes) {
		key := strings.ReplaceAll(a.Name, "_", "")
		if a.Name == "container_definitions" {
			var definitions *doctree.Node
			definitions, t.IsJSON = e.definitions(a.Expr)
			t.set("containerDefinitions", a, definitions)
			continue
		}
		t.set(key, a, e.node(a.Expr))
	}
	for _, b := range block.Body.Blocks {
		switch {
		case b.Type == "runtime_platform":
			t.setBlock("runtimePlatform", b, e)
		case b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == "runtime_platform":
			t.Node.Fields = append(t.Node.Fields, doctree.Field{Key: keyNode("runtimePlatform", b.TypeRange), Value: &doctree.Node{Kind: doctree.Unknown, Pos: posOf(b.TypeRange)}})
		}
	}
	return t
}

func (t *Task) set(key string, a *hclsyntax.Attribute, value *doctree.Node) {
	t.Node.Fields = append(t.Node.Fields, doctree.Field{Key: keyNode(key, a.NameRange), Value: value})
}

func (t *Task) setBlock(key string, b *hclsyntax.Block, e *evaluator) {
	n := &doctree.Node{Kind: doctree.Map, Pos: posOf(b.TypeRange)}
	for _, a := range sorted(b.Body.Attributes) {
		n.Fields = append(n.Fields, doctree.Field{Key: keyNode(strings.ReplaceAll(a.Name, "_", ""), a.NameRange), Value: e.node(a.Expr)})
	}
	t.Node.Fields = append(t.Node.Fields, doctree.Field{Key: keyNode(key, b.TypeRange), Value: n})
}

func keyNode(key string, at hcl.Range) *doctree.Node {
	return &doctree.Node{Kind: doctree.Scalar, Text: key, Pos: posOf(at)}
}

// definitions evaluates container_definitions, which are JSON: as jsonencode makes it of a
// list, or text.
func (e *evaluator) definitions(expr hclsyntax.Expression) (n *doctree.Node, isJSON bool) {
	expr = unwrap(expr)
	if call, ok := expr.(*hclsyntax.FunctionCallExpr); ok && call.Name == "jsonencode" && len(call.Args) == 1 {
		return listOf(e.node(call.Args[0])), false
	}
	if inner, defined, ok := e.follow(expr); ok {
		n, isJSON = inner.definitions(defined)
		return n, isJSON
	}
	pieces := &doctree.Pieces{}
	if !e.pieces(pieces, expr) {
		return e.unknown(expr), false
	}
	n, err := pieces.Parse()
	if err != nil {
		return e.unknown(expr), true // a template may make something else of it
	}
	return listOf(n), true
}

// listOf returns a list of what is no list: the provider takes a single definition, too.
func listOf(n *doctree.Node) *doctree.Node {
	if n.Kind != doctree.Map {
		return n
	}
	return &doctree.Node{Kind: doctree.List, Pos: n.Pos, Items: []*doctree.Node{n}}
}

// unwrap returns what stands in parentheses.
func unwrap(expr hclsyntax.Expression) hclsyntax.Expression {
	for {
		p, ok := expr.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return expr
		}
		expr = p.Expression
	}
}
