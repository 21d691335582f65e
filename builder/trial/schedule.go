package trial

import (
	"cmp"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// A schedule says when Docker runs a check and what it makes of its failures, as long
// as none has passed.
//
// https://github.com/moby/moby/blob/v28.5.0/daemon/health.go
type schedule struct {
	health.Config
	failures int // in a row that count
}

// newSchedule fills in Docker's defaults.
func newSchedule(c health.Config) schedule {
	c.Interval = cmp.Or(c.Interval, health.DockerInterval)
	c.Timeout = cmp.Or(c.Timeout, health.DockerTimeout)
	c.StartInterval = cmp.Or(c.StartInterval, health.DockerStartInterval)
	c.Retries = cmp.Or(c.Retries, health.DockerRetries)
	return schedule{Config: c}
}

// wait returns how long after the end of the last check, or the start of the app, the
// next check begins, in a container of an age.
func (s *schedule) wait(age time.Duration) time.Duration {
	if age < s.StartPeriod {
		return s.StartInterval
	}
	return s.Interval
}

// intervals is how many intervals after the start period an engine may have run no check.
const intervals = 3

// patience returns the age of a container by which an engine that runs checks has run one.
func (s *schedule) patience() time.Duration {
	return s.StartPeriod + intervals*s.Interval + s.Timeout
}

// failed counts the failure of a check that began at an age of the container, and reports
// whether it makes the container unhealthy. In the start period failures do not count.
func (s *schedule) failed(began time.Duration) (unhealthy bool) {
	if began >= s.StartPeriod {
		s.failures++
	}
	return s.failures >= s.Retries
}
