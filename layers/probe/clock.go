package main

import "github.com/ko-health/kohealth/builder/health/cmdline"

// An instant is a time on the monotonic clock.
type instant = cmdline.Duration

func now() instant { return instant(nanotime()) }

func until(i instant) cmdline.Duration { return i - now() }
