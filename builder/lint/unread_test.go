package lint

import (
	"context"
	"errors"
	"testing"
)

// TestLookalikes reads files of no format, which get a next step by what they look like.
func TestLookalikes(t *testing.T) {
	for name, data := range map[string]string{
		"ecs-task-def.jsonnet": "local env = std.extVar('ENV');\n{ containerDefinitions: [] }\n",
		"dir/.ko.yaml":         "healthcheck:\n  test: auto\n",
		"templates/pod.yaml":   "kind: {{ .Values.kind }}\n",
		"Chart.yaml":           "name: web\n",
	} {
		_, err := File(context.Background(), name, []byte(data), Options{})
		if found := (*LookalikeError)(nil); !errors.As(err, &found) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := File(context.Background(), "other.yaml", []byte("a: b\n"), Options{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("a file like no other: %v", err)
	}
}
