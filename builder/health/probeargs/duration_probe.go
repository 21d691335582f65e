//go:build probe

package probeargs

// A Duration is a number of nanoseconds. It is not a time.Duration in the probe,
// which is compiled with the build tag probe: whoever imports package time pays 106
// KB for what that sets up.
type Duration int64
