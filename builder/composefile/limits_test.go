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
