//go:build !windows

package main

// Where ko puts the app (pkg/build/gobuild.go), and where kohealth puts the probe's
// arguments.
const (
	koAppDir     = "/ko-app/"
	koHealthArgs = "/etc/healthcheck"
)
