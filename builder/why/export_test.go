package why

import "time"

// ReadAt is [Read] at a time.
func ReadAt(data []byte, now time.Time) (*Subject, error) { return read(data, now) }

// IsTimeout reports whether a run took too long.
func (r Run) IsTimeout() bool { return r.isTimeout() }
