//go:build !probe

package cmdline

import "time"

// A Duration is a time.Duration.
type Duration = time.Duration
