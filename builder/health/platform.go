package health

import "time"

// Docker's defaults for numbers that an image's check leaves out.
//
// https://docs.docker.com/reference/dockerfile/#healthcheck
const (
	DockerInterval      = 30 * time.Second
	DockerTimeout       = 30 * time.Second
	DockerRetries       = 3
	DockerStartInterval = 5 * time.Second
)

// A Range holds durations, both ends included.
type Range struct{ Min, Max time.Duration }

// Holds reports whether d is in the range.
func (r Range) Holds(d time.Duration) bool { return r.Min <= d && d <= r.Max }

// Nearest returns what in the range is nearest to d.
func (r Range) Nearest(d time.Duration) time.Duration { return min(max(d, r.Min), r.Max) }

// Limits are the numbers that a platform takes, in whole seconds. Retries begin at 1.
type Limits struct {
	Interval, Timeout, StartPeriod Range
	MaxRetries                     int
}

// ECS returns the limits of a task definition's healthCheck.
//
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
func ECS() Limits {
	return Limits{
		Interval:    Range{5 * time.Second, 300 * time.Second},
		Timeout:     Range{2 * time.Second, 60 * time.Second},
		StartPeriod: Range{0, 300 * time.Second},
		MaxRetries:  10,
	}
}
