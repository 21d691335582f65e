package lint

import (
	"context"
	"errors"
	"testing"
)

// TestLookalikes reads files of no format, which get a next step by what they look like.
func TestLookalikes(t *testing.T) {
	for name, file := range map[string]struct{ data, looks string }{
		"ecs-task-def.jsonnet": {"local env = std.extVar('ENV');\n{ containerDefinitions: [] }\n", "Jsonnet"},
		"templates/pod.yaml":   {"kind: {{ .Values.kind }}\n", "a Helm template"},
		"templates/sts.yaml":   {"apiVersion: v1\n{{- if eq .Values.kind \"a\" }}\nkind: b\n{{- end }}\n", "a Helm template"},
		"Chart.yaml":           {"name: web\n", "a Helm chart's own file"},
		"manifest.yml":         {"name: {{.Name}}\ntype: Backend Service\n{{- if .Image}}\nimage: {{.Image}}\n{{- end}}\n", "a template"},
		"sts.yaml":             {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: @NAME@\n", "a template"},
		"gateway.yaml":         {"apiVersion: v1\nkind: Gateway\nmetadata:\n  name: {{ .To.Name }}-gateway\n", "a template"},
		"Dockerfile.j2":        {"FROM a\n{% if x %}\nRUN y\n{% endif %}\n", "a template of a Dockerfile"},
		"Dockerfile.linux":     {"{{\n  _ Says nothing ^\n}}FROM {{x}}\n", "a template of a Dockerfile"},
		"Dockerfile.envs":      {"ENV A=1\nHEALTHCHECK NONE\n", "a part of a Dockerfile, without FROM"},
		"web.nomad":            {"job \"web\" {\n  datacenters = [[ .datacenters | toJson ]]\n", "a template of a Nomad job"},
	} {
		_, err := File(context.Background(), name, []byte(file.data), Options{})
		if found := (*LookalikeError)(nil); !errors.As(err, &found) || found.name != file.looks {
			t.Errorf("%s: %v, want %s", name, err, file.looks)
		}
	}
	wrong := "job \"a\" {\n  port \"x\" { to = 1, static = 2 }\n  data = <<E\n{{ with x }}\nE\n}\n"
	if _, err := File(context.Background(), "a.nomad", []byte(wrong), Options{}); errors.As(err, new(*LookalikeError)) || err == nil {
		t.Errorf("a job that is wrong: %v", err)
	}
	for name, data := range map[string]string{
		"other.yaml":    "a: b\n",
		"variables.hcl": "variable \"a\" {\n  default = <<E\n  services:\n  - a\nE\n}\n",
		"pipeline.yml":  "steps:\n- ${{ if eq(1, 1) }}:\n  - script: x\n",
		"workflow.yaml": "run: docker inspect --format '{{if .State}}a{{end}}'\n",
	} {
		if _, err := File(context.Background(), name, []byte(data), Options{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s, like no other: %v", name, err)
		}
	}
}

// TestIsCompose tells Compose files from those of other tools that have services, too.
func TestIsCompose(t *testing.T) {
	for data, want := range map[string]bool{
		"services: {web: {image: a}}":                                          true,
		"verson: '3'\nservices: {web: {build: .}}":                             true,
		"services: {web: }\nx-a: 1":                                            true,
		"services: [web]":                                                      true, // Compose says what is wrong
		"include: [a.yaml, {path: b.yaml}]":                                    true,
		"services: {web: {profiles: [a]}}\nvolumes: {}":                        true,
		"services: [{type: web, name: a}]\ndatabases: []":                      false, // Render
		"services: [docker]\nlanguage: go":                                     false, // Travis
		"include: [{local: a.yml}]":                                            false, // GitLab
		"include: package:lints/recommended.yaml":                              false, // Dart
		"include: [docs/a.md]\nname: a\nlicense: b":                            false,
		"services: {_defaults: {autowire: true}, 'App\\': {resource: ../src}}": false, // Symfony
		"name: a\nservices: {api: {project: ./api, language: go, host: b}}":    false, // azd
		"services: [{type: web, name: a}]":                                     false,
		"services: {a: {image: b}}\napi_keys: []\nimages: {}":                  false,
		"services: []\ncount: 1":                                               false, // a chart's values
	} {
		_, err := File(context.Background(), "f.yaml", []byte(data), Options{})
		if is := !errors.Is(err, ErrUnknown); is != want {
			t.Errorf("%s: %v", data, err)
		}
	}
}
