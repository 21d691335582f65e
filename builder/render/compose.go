package render

import "strings"

// compose writes a service's healthcheck. In all of a Compose file a dollar begins a
// variable and $$ is a dollar.
//
// https://docs.docker.com/reference/compose-file/services/#healthcheck
func compose(r *rendering) error {
	var file struct {
		Healthcheck struct {
			Test          words
			Interval      string
			Timeout       string
			Retries       int
			StartPeriod   string `yaml:"start_period"`
			StartInterval string `yaml:"start_interval,omitempty"`
		}
	}
	hc := &file.Healthcheck
	for _, s := range r.command() {
		hc.Test = append(hc.Test, strings.ReplaceAll(s, "$", "$$"))
	}
	hc.Interval, hc.Timeout, hc.Retries = duration(r.interval), duration(r.timeout), r.retries
	hc.StartPeriod = duration(r.startPeriod)
	if r.startInterval > 0 {
		hc.StartInterval = duration(r.startInterval)
	}
	return r.yaml(file)
}
