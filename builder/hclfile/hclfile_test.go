package hclfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hclfile"
)

// in writes files into a directory and parses its main.tf.
func in(t *testing.T, archive string) []*hclfile.Task {
	t.Helper()
	dir := t.TempDir()
	var main []byte
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if f.Name == "main.tf" {
			main = f.Data
		}
	}
	tasks, err := hclfile.Terraform("main.tf", main, dir)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func commandOf(t *testing.T, task *hclfile.Task) (words string, pos doctree.Pos) {
	t.Helper()
	list := task.Node.Get("containerDefinitions").List()
	if len(list) != 1 {
		t.Fatalf("%s: %d containers", task.Address, len(list))
	}
	command := list[0].Get("healthCheck").Get("command")
	for _, n := range command.List() {
		word, ok := n.Str()
		if !ok {
			word = "?"
		}
		words += word + "|"
	}
	return words, command.At()
}

// What other files of the directory say is known, and stands where it is named.
func TestFiles(t *testing.T) {
	tasks := in(t, `
-- main.tf --
resource "aws_ecs_task_definition" "template" {
  container_definitions = templatefile("${path.module}/app.json.tftpl", { port = var.port, host = data.x.y, words = ["a", "b"] })
}
resource "aws_ecs_task_definition" "file" {
  container_definitions = file("app.json")
}
resource "aws_ecs_task_definition" "rendered" {
  container_definitions = data.template_file.app.rendered
}
resource "aws_ecs_task_definition" "local" {
  container_definitions = local.definitions
}
-- other.tf --
variable "port" {
  default = 1
}
data "template_file" "app" {
  template = file("${path.module}/old.json")
  vars = {
    port = var.port
  }
}
locals {
  definitions = jsonencode([{ healthCheck = { command = ["CMD", "local ${var.port}"] } }])
}
-- terraform.tfvars --
port = 8080
-- app.json.tftpl --
[{"healthCheck": {"command": ["CMD", "${host}:${port}"%{ for w in words }, "${w}"%{ endfor }, ${jsonencode(words[0])}]}, "memory": ${host}}]
-- app.json --
[{"healthCheck": {"command": ["CMD", "file ${port}"]}}]
-- old.json --
[{"healthCheck": {"command": ["CMD", "old ${port} ${other}"]}}]
`)
	for i, want := range []string{"CMD|" + doctree.Open + ":8080|a|b|a|", "CMD|file ${port}|", "CMD|old 8080 " + doctree.Open + "|", "CMD|local 8080|"} {
		got, pos := commandOf(t, tasks[i])
		if got != want || pos.Line != 3*i+2 {
			t.Errorf("%s: %q at %v, want %q", tasks[i].Address, got, pos, want)
		}
	}
}

// Files with values of variables count in Terraform's order, those in JSON among them, in
// which nothing is replaced.
func TestVariableFiles(t *testing.T) {
	tasks := in(t, `
-- main.tf --
variable "a" {
  default = "main"
}
variable "b" {}
variable "c" {}
resource "aws_ecs_task_definition" "a" {
  container_definitions = jsonencode([{ healthCheck = { command = [var.a, var.b, var.c.d[0]] } }])
}
resource "aws_ecs_task_definition" "b" {
  container_definitions = jsonencode(jsondecode(file("${path.module}/task.json")).containerDefinitions)
}
resource "aws_ecs_task_definition" "c" {
  container_definitions = jsonencode(yamldecode(file("task.yaml")))
}
-- task.yaml --
- healthCheck:
    command: [CMD, yaml]
-- terraform.tfvars --
a = "tfvars"
b = "tfvars"
-- terraform.tfvars.json --
{"a": "json"}
-- b.auto.tfvars --
b = "auto"
-- a.auto.tfvars.json --
{"b": "no", "c": {"d": ["${x}", 1]}}
-- bad.auto.tfvars.json --
{"a": ]
-- task.json --
{"containerDefinitions": [{"healthCheck": {"command": ["CMD", "file"]}}]}
`)
	if got, _ := commandOf(t, tasks[0]); got != "json|auto|${x}|" {
		t.Errorf("%q", got)
	}
	if got, _ := commandOf(t, tasks[1]); got != "CMD|file|" {
		t.Errorf("%q", got)
	}
	if got, pos := commandOf(t, tasks[2]); got != "CMD|yaml|" || pos.Line != 13 {
		t.Errorf("%q at %v", got, pos)
	}
}

// What is not known is left open, however it is written, and never an error.
func TestUnknown(t *testing.T) {
	for _, expr := range []string{
		`var.definitions`, `jsonencode(module.x.y)`, `file("missing")`, `templatefile(var.path, {})`, `"[{\"name\": ${var.x}"`,
		`nosuch(1)`, `jsonencode([for x in var.y : x])`, `local.loop`, `data.template_file.none.rendered`, `provider::x::y("a")`,
		`jsonencode(var.a ? [] : [{}])`, `join("", [var.a, "]"])`, `<<EOF
[${var.a}
EOF`,
	} {
		tasks := in(t, "-- main.tf --\nlocals {\n  loop = local.loop\n}\nresource \"aws_ecs_task_definition\" \"a\" {\n  container_definitions = "+expr+"\n}\n")
		if n := tasks[0].Node.Get("containerDefinitions"); n.Kind != doctree.Unknown {
			t.Errorf("%s: %+v", expr, n)
		}
	}
}

// Names that stand for each other, many times each, take no time.
func TestNamesThatGrow(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- main.tf --\nlocals {\n  l0 = [1, 2]\n")
	last := "l0"
	for i := range 50 {
		next := "l" + strings.Repeat("x", i+1)
		b.WriteString("  " + next + " = [local." + last + ", local." + last + "]\n")
		last = next
	}
	b.WriteString("}\nresource \"aws_ecs_task_definition\" \"a\" {\n  container_definitions = jsonencode(local." + last + ")\n}\n")
	in(t, b.String())
}

func FuzzTerraform(f *testing.F) {
	for _, kind := range []string{"ok", "err"} {
		archive, err := txtar.ParseFile(filepath.Join("..", "..", "testdata", "lint", kind, "terraform.txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tasks, err := hclfile.Terraform("main.tf", data, "")
		lines := strings.Count(string(data), "\n") + 1
		var at *doctree.Error
		if errors.As(err, &at) && (at.Line < 1 || at.Line > lines) {
			t.Errorf("%v", err)
		}
		for _, task := range tasks {
			inFile(t, task.Node, lines)
		}
	})
}

func inFile(t *testing.T, n *doctree.Node, lines int) {
	if n.Pos.Line < 0 || n.Pos.Line > lines {
		t.Errorf("%+v is not in the file's %d lines", n, lines)
	}
	for _, part := range n.Parts() {
		inFile(t, part, lines)
	}
}
