package hint_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ko-health/kohealth/builder/hint"
)

func TestHint(t *testing.T) {
	cause := errors.New("no shell")
	err := fmt.Errorf("building: %w", hint.With(cause, "use a target"))
	if got, want := err.Error(), "building: no shell"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := hint.Of(err), "use a target"; got != want {
		t.Errorf("Of() = %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := hint.Of(hint.With(err, "outer")); got != "outer" {
		t.Errorf("Of() = %q, want the outermost hint", got)
	}
	if hint.With(nil, "x") != nil {
		t.Error("With(nil) is not nil")
	}
	if got := hint.Of(cause); got != "" {
		t.Errorf("Of() = %q for an error without a hint", got)
	}
}
