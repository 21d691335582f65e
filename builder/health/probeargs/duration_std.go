//go:build !probe

package probeargs

import "time"

// A Duration is a time.Duration.
type Duration = time.Duration
