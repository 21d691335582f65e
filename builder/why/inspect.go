package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// An inspected container is what docker inspect and podman inspect print of one.
//
// https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerInspect
type inspected struct {
	ID, Name, Image, ImageName string
	Created                    time.Time
	Path                       string
	Args                       []string
	RestartCount               int
	OCIRuntime                 string // Podman's
	State                      struct {
		Status                      string
		Running, Paused, Restarting bool
		OOMKilled                   bool
		Pid                         int
		ExitCode                    int
		Error                       string
		StartedAt, FinishedAt       time.Time
		Health, Healthcheck         *inspectedHealth // Podman 3 calls it Healthcheck
	}
	Config struct {
		Image, User, WorkingDir string
		Tty                     bool
		Env                     []string
		Healthcheck             *health.Config
		ExposedPorts            map[string]json.RawMessage
		Entrypoint, Cmd         words
	}
	HostConfig struct {
		Memory, NanoCpus, CpuQuota, CpuPeriod int64
		PidsLimit                             *int64
		ReadonlyRootfs                        bool
	}
	Mounts []struct{ Destination string }
}

// words are a command line: a list, or Podman's text.
type words []string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *words) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		var text string
		err := json.Unmarshal(data, &text)
		*w = strings.Fields(text)
		return err
	}
	return json.Unmarshal(data, (*[]string)(w))
}

type inspectedHealth struct {
	Status        string
	FailingStreak int
	Log           []struct {
		Start, End time.Time
		ExitCode   int
		Output     string
	}
}

// readInspected reads one container of what docker inspect or podman inspect prints.
func readInspected(data []byte, now time.Time) (*Container, error) {
	var i inspected
	if err := json.Unmarshal(data, &i); err != nil {
		return nil, fmt.Errorf("parsing container: %w", err)
	}
	c := &Container{
		Platform: Docker, ID: i.ID, Name: strings.TrimPrefix(i.Name, "/"), Essential: true,
		Image: i.Config.Image, ImageID: i.Image, Created: i.Created, Restarts: i.RestartCount, Now: now,
		OOMKilled: i.State.OOMKilled, ExitCode: i.State.ExitCode, Error: i.State.Error,
		Started: i.State.StartedAt, Finished: i.State.FinishedAt,
		Memory: i.HostConfig.Memory, CPUs: i.cpus(), Check: i.Config.Healthcheck, Health: Unknown, defined: true,
	}
	if i.ImageName != "" || i.OCIRuntime != "" {
		c.Platform, c.Image = Podman, i.ImageName
	}
	if p := i.HostConfig.PidsLimit; p != nil && *p > 0 {
		c.PIDs = *p
	}
	c.Status = i.status()
	i.fillRun(c)
	i.fillHealth(c)
	return c, nil
}

func (i *inspected) cpus() float64 {
	if i.HostConfig.NanoCpus > 0 {
		return float64(i.HostConfig.NanoCpus) / 1e9
	}
	const period = 100_000 // µs, the kernel's default
	if i.HostConfig.CpuQuota > 0 {
		return float64(i.HostConfig.CpuQuota) / float64(max(i.HostConfig.CpuPeriod, period))
	}
	return 0
}

func (i *inspected) status() Status {
	s := i.State
	switch {
	case s.Paused || s.Status == "paused":
		return Paused
	case s.Restarting, s.Status == "exited", s.Status == "dead", s.Status == "stopped":
		return Exited
	case s.Running || s.Status == "running":
		return Running
	case s.Error != "" && s.ExitCode != 0: // it was to start, and could not
		return Exited
	}
	return Waiting
}

// fillRun fills in what the judge wants to know.
func (i *inspected) fillRun(c *Container) {
	c.Run.Check, c.Run.User, c.Run.WorkingDir = c.Check, i.Config.User, i.Config.WorkingDir
	c.Run.ReadOnly, c.Run.Env = i.HostConfig.ReadonlyRootfs, environ(i.Config.Env)
	c.Run.Command = slices.Concat(i.Config.Entrypoint, i.Config.Cmd)
	for _, m := range i.Mounts {
		c.Run.Mounts = append(c.Run.Mounts, m.Destination)
	}
	for _, exposed := range slices.Sorted(maps.Keys(i.Config.ExposedPorts)) {
		number, protocol, _ := strings.Cut(exposed, "/")
		if port, err := strconv.Atoi(number); err == nil && protocol != "udp" {
			c.Run.Ports = append(c.Run.Ports, port)
		}
	}
}

func environ(list []string) map[string]string {
	env := map[string]string{}
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return env
}

func (i *inspected) fillHealth(c *Container) {
	h := i.State.Health
	if h == nil {
		h = i.State.Healthcheck
	}
	if h == nil {
		return
	}
	switch Health(h.Status) {
	case Healthy, Unhealthy, Starting:
		c.Health = Health(h.Status)
	}
	c.Streak = h.FailingStreak
	for _, run := range h.Log {
		c.Runs = append(c.Runs, Run(run))
	}
}
