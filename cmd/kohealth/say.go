package main

import (
	"os"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// say prints what is no result.
func say(format string, args ...any) { _ = term.Printf(os.Stderr, format, args...) }

// sayError prints an error, and the next step.
func sayError(err error) {
	say("Error: %v\n", err)
	if h := hint.Of(err); h != "" {
		say("Hint: %s\n", h)
	}
	if strings.HasPrefix(err.Error(), "unknown command") {
		say("Run 'kohealth --help' for usage.\n")
	}
}
