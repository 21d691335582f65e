package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// An ECSHealthCheck is the healthCheck of a container definition. Times are seconds.
//
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
type ECSHealthCheck struct {
	Command     []string `json:"command"`
	Interval    int      `json:"interval"`
	Timeout     int      `json:"timeout"`
	Retries     int      `json:"retries"`
	StartPeriod int      `json:"startPeriod"`
}

const ecsSource = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"

// ECS returns the check as ECS takes it, and notes as an [Output] has them.
func ECS(c health.Config) (ECSHealthCheck, []string, error) {
	check, err := newCheck(c)
	if err != nil {
		return ECSHealthCheck{}, nil, err
	}
	r := &rendering{check: check}
	hc, err := r.ecs()
	if err != nil {
		err = fmt.Errorf("rendering health check for ecs: %w", err)
	}
	return hc, r.notes, err
}

// ecs checks the check against ECS's ranges.
func (r *rendering) ecs() (ECSHealthCheck, error) {
	var problems []string
	limits := health.ECS()
	for _, n := range []struct {
		number
		takes health.Range
	}{
		{number{"interval", r.interval}, limits.Interval},
		{number{"timeout", r.timeout}, limits.Timeout},
		{number{"start_period", r.startPeriod}, limits.StartPeriod},
	} {
		if !n.takes.Holds(n.value) || n.value%time.Second != 0 {
			problems = append(problems, fmt.Sprintf("%s %s (whole seconds from %.0f to %.0f)", n.key, duration(n.value), n.takes.Min.Seconds(), n.takes.Max.Seconds()))
		}
	}
	if r.retries > limits.MaxRetries {
		problems = append(problems, fmt.Sprintf("retries %d (1 to %d)", r.retries, limits.MaxRetries))
	}
	r.dropStartInterval("ECS")
	return ECSHealthCheck{
		Command:     r.command(),
		Interval:    int(r.interval / time.Second),
		Timeout:     int(r.timeout / time.Second),
		Retries:     r.retries,
		StartPeriod: int(r.startPeriod / time.Second),
	}, refuse("ECS", problems, ecsSource)
}

func ecs(r *rendering) error {
	hc, err := r.ecs()
	if err != nil {
		return err
	}
	r.printf(`{
  "healthCheck": {
    "command": %s,
    "interval": %d,
    "timeout": %d,
    "retries": %d,
    "startPeriod": %d
  }
}
`, jsonList(hc.Command, ", "), hc.Interval, hc.Timeout, hc.Retries, hc.StartPeriod)
	return nil
}

// checkDynamic refuses what CloudFormation replaces in any string, for which it has no
// way of escaping.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func (r *rendering) checkDynamic() error {
	for _, s := range r.command() {
		if strings.Contains(s, "{{resolve:") {
			return fmt.Errorf("CloudFormation would replace {{resolve:…}} in %q", s)
		}
	}
	return nil
}
