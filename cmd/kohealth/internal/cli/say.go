package cli

import (
	"os"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// Say prints what is no result.
func Say(format string, args ...any) { _ = term.Printf(os.Stderr, format, args...) }

// SayError prints an error, and the next step.
func SayError(err error) {
	Say("Error: %v\n", err)
	if h := hint.Of(err); h != "" {
		Say("Hint: %s\n", h)
	}
}
