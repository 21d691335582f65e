package main

import "github.com/ko-health/kohealth/builder/health/cmdline"

// An instant is a time on the monotonic clock, since the start of the probe.
type instant = cmdline.Duration

// start is when the probe began.
var start = nanotime()

func now() instant { return instant(nanotime() - start) }

func until(i instant) cmdline.Duration { return i - now() }
