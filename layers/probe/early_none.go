//go:build !linux || net || !(amd64 || arm64)

package main

import "github.com/ko-health/kohealth/builder/health/probeargs"

// waitedEarly and takeOver are those of a probe that has no early part.
func waitedEarly() probeargs.Duration { return 0 }

func takeOver([]address, instant) (conn, address, bool) { return nil, address{}, false }
