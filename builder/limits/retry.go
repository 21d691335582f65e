package limits

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Pause returns how long a server asks to wait before the next attempt, or 0 if it does
// not say. It fails if that is longer than anybody should wait.
//
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func Pause(h http.Header, now time.Time) (time.Duration, error) {
	said := h.Get("Retry-After")
	pause := time.Duration(0)
	if seconds, err := strconv.ParseUint(said, 10, 32); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		pause = max(0, at.Sub(now))
	}
	if err := RetryAfter.Check(int64(pause)); err != nil {
		return 0, fmt.Errorf("the server asks to wait %s: %w", pause.Round(time.Second), err)
	}
	return pause, nil
}
