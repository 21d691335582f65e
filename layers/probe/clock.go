package main

import "github.com/ko-health/kohealth/builder/health/probeargs"

// An instant is a time on the monotonic clock.
type instant = probeargs.Duration

func now() instant { return instant(nanotime()) }

func until(i instant) probeargs.Duration { return i - now() }
