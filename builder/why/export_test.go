package why

import "time"

// ReadAt is [Read] at a time.
func ReadAt(data []byte, now time.Time) (*Subject, error) { return read(data, now) }
