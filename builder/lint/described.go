package lint

import (
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
)

// A Container is one that a file describes, with the check that is judged. In texts,
// U+FFFC stands for what is known only when the file is used.
type Container struct {
	Name  string
	Part  string // the probe or hook of a pod's container whose check it is, such as livenessProbe
	Image string // "" if the file names none
	doctree.Pos
	Check *health.Config // nil if the file has none; numbers that are not known are 0
}

// described returns what files say of containers.
func described(groups []*group) (found []Container) {
	for _, g := range groups {
		for _, c := range g.Containers {
			d := Container{Name: c.Name, Image: textOf(c.ImageRef), Pos: c.Pos, Check: c.Check.config()}
			if c.Probe != nil {
				d.Part = c.Probe.Key
			}
			found = append(found, d)
		}
	}
	return found
}

func (c *check) config() *health.Config {
	if c == nil || c.OfImage {
		return nil
	}
	h := &health.Config{Interval: c.Interval.Value, Timeout: c.Timeout.Value, StartPeriod: c.StartPeriod.Value,
		StartInterval: c.StartInterval.Value, Retries: c.Retries.Value}
	for _, a := range c.Test {
		h.Test = append(h.Test, a.Text)
	}
	return h
}
