//go:build linux && !net && !go1.28

package main

import _ "unsafe" // for go:linkname

// What os and time have is taken here from where they have it: Go's runtime. Both
// packages bring along what the probe does not use, and with them it would be 170 KB
// larger, an eighth. Versions of Go in which nobody has looked whether the functions
// are still there take the ordinary way, in runtime_std.go.

// arguments is os.Args. The kernel's /proc/self/cmdline is no substitute: where a
// translator runs the probe, that begins with the translator's own arguments.
//
//go:linkname arguments os.runtime_args
func arguments() []string

// nanotime is the monotonic clock. Go promises to keep it: go.dev/issue/67401.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
