package composefile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/limits"
)

// TestLimits loads files that are at a limit, and one past it.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		limit limits.Limit
		file  func(n int) string
	}{
		{limits.Variables, func(n int) string {
			return "services: {a: {image: a, command: '" + strings.Repeat("${A:-x}", n) + "'}}"
		}},
		{limits.VariableDepth, func(n int) string {
			return "services: {a: {image: a, command: '" + strings.Repeat("${A:-", n) + "x" + strings.Repeat("}", n) + "'}}"
		}},
		{limits.Extends, func(n int) string {
			file := "services:\n  s0: {image: a}\n"
			for i := range n {
				file += fmt.Sprintf("  s%d: {extends: {service: s%d}}\n", i+1, i)
			}
			return file
		}},
	} {
		most := int(tt.limit.Max())
		if err := load(t, "-- compose.yaml --\n"+tt.file(most)+"\n", nil).Refused; err != nil {
			t.Errorf("at %s, the limit for %s: %v", tt.limit, tt.limit.What(), err)
		}
		err := load(t, "-- compose.yaml --\n"+tt.file(most+1)+"\n", nil).Refused
		if err == nil || !strings.Contains(err.Error(), tt.limit.Exceeded().Error()) {
			t.Errorf("past %s, the limit for %s: %v", tt.limit, tt.limit.What(), err)
		}
	}
}

// TestMergedLimit merges files that are at the limit, and one past it.
func TestMergedLimit(t *testing.T) {
	for extra, wrong := range map[int64]bool{0: false, 1: true} {
		n := int(limits.ComposeFiles.Max() + extra)
		p := load(t, "-- compose.yaml --\nservices: {app: {image: app}}\n-- b.yaml --\nservices: {app: {image: b}}\n",
			map[string]string{"COMPOSE_FILE": "compose.yaml" + strings.Repeat("|b.yaml", n-1), "COMPOSE_PATH_SEPARATOR": "|"})
		if (p.Refused != nil) != wrong {
			t.Errorf("%d files: %v", n, p.Refused)
		}
	}
}
