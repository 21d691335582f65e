// Package limitstest tests that limits hold.
package limitstest

import (
	"errors"
	"testing"

	"github.com/ko-health/kohealth/builder/limits"
)

// Check checks what comes of as much as a limit allows, and of one more.
func Check(t *testing.T, limit limits.Limit, at, past error) {
	t.Helper()
	if at != nil {
		t.Errorf("at %s, the limit for %s: %v", limit, limit.What(), at)
	}
	var e *limits.Error
	if !errors.As(past, &e) || e.Limit != limit {
		t.Errorf("past %s, the limit for %s: %v", limit, limit.What(), past)
	}
}
