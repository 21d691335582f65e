package main

import "time"

// An instant is a time since the start of the probe, on the monotonic clock. Unlike
// a time.Time, it can be a field of what becomes an interface value: the linker would
// keep for it all that prints a time.Time, time zones included, which is 90 KB.
type instant time.Duration

var start = time.Now()

func now() instant { return instant(time.Since(start)) }

func (i instant) left() time.Duration { return time.Duration(i - now()) }
