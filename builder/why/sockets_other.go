//go:build !linux

package why

// socketsOf returns nil: containers run on Linux, in a machine of their own.
func socketsOf(int, string) *Sockets { return nil }
