package hclfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hclfile"
	"github.com/ko-health/kohealth/builder/limits"
)

// What would make the parser call itself for ever is refused.
func TestNesting(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 500_000), strings.Repeat("!", 500_000), strings.Repeat("- ", 500_000), strings.Repeat("a?", 500_000)} {
		_, err := hclfile.Terraform("a.tf", []byte("x = "+text), "")
		var limit *limits.Error
		if !errors.As(err, &limit) || limit.Limit != limits.ExpressionDepth {
			t.Errorf("%.10s: %v", text, err)
		}
	}
}

// Files beyond the limit are not read: what they define is not known.
func TestTooManyFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- main.tf --\nresource \"aws_ecs_task_definition\" \"a\" {\n  memory = local.first\n  cpu = local.last\n}\n")
	b.WriteString("-- a.tf --\nlocals {\n  first = 1\n}\n")
	for i := range limits.TerraformFiles.Max() {
		fmt.Fprintf(&b, "-- b%03d.tf --\n", i)
	}
	b.WriteString("-- z.tf --\nlocals {\n  last = 1\n}\n")
	task := in(t, b.String())[0].Node
	if first, last := task.Get("memory"), task.Get("cpu"); first.Kind != doctree.Scalar || last.Kind != doctree.Unknown {
		t.Errorf("first is %+v, last is %+v", first, last)
	}
}
