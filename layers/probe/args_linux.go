//go:build linux && !go1.27

package main

import _ "unsafe" // for go:linkname

// arguments returns the command line. It is os.Args, from the function of Go's
// runtime that fills it, without package os, which is a twentieth of the probe. The
// other source, /proc/self/cmdline, begins with the translator's own arguments
// where one runs the probe. Versions of Go in which nobody has looked whether the
// function is still there take the ordinary way, in args_linux_os.go.
//
//go:linkname arguments os.runtime_args
func arguments() []string
