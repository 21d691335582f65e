package lint_test

import (
	"testing"

	"github.com/ko-health/kohealth/builder/lint"
)

// What is not judged is told in one line.
func TestLeft(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"a.nomad", `job "a" {
  group "g" {
    service {
      check {
        type = "script"
      }
    }
    task "t" {
      driver = "exec"
      service {
        check {
          type    = "script"
          command = "x"
        }
      }
    }
  }
}
`, "checks of t, which runs in no container; the script check at line 4, of no task that the group has"},
		{"manifest.yml", "name: a\ntype: Backend Service\nimage: {location: b}\nenvironments: {prod: {}}\n",
			"what environments say otherwise; images not opened: b"},
		{"Dockerfile", "FROM $X\nHEALTHCHECK NONE\n", "images known only when the file is used: that of the last stage"},
		{"win.Dockerfile", "FROM --platform=windows/amd64 a AS b\nHEALTHCHECK CMD if exist x (exit 0)\n", "checks that Windows runs: that of b; images not opened: a"},
		{"pods.yaml", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b}]}\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: d}]}\n",
			"images not opened: b, d"},
		{"a.container", "[Container]\nImage=a.build\nHealthStartupCmd=x\n", "HealthStartupCmd of a; images known only when the file is used: that of a"},
		{".ko.yaml", "baseImageOverrides: {a: b}\n", "images known only when the file is used: that of the container"},
		{"main.tf", "resource \"aws_ecs_task_definition\" \"a\" {\n  container_definitions = jsonencode([{ name = \"${var.x}-web\", image = \"a\" }, { name = var.x, image = var.y }])\n}\n",
			"images known only when the file is used: that of var.x; images not opened: a"},
	} {
		told := ""
		if _, err := lint.File(t.Context(), tt.name, []byte(tt.data), lint.Options{Tell: func(what string) { told = what }}); err != nil || told != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, told, err, tt.want)
		}
	}
}
