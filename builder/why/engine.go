package why

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// FromEngine asks the engine that DOCKER_HOST names, Docker's or Podman's, about a
// container.
func FromEngine(ctx context.Context, name string) (*Subject, error) {
	docker, err := client.New(client.FromEnv, client.WithResponseHook(limitChanges))
	if err != nil {
		return nil, fmt.Errorf("connecting to the engine: %w", err)
	}
	defer docker.Close()
	e := &engine{Client: docker}
	s, err := e.subject(ctx, name)
	if err != nil {
		return nil, explainEngine(name, err)
	}
	return s, nil
}

func explainEngine(name string, err error) error {
	switch {
	case client.IsErrConnectionFailed(err):
		return hint.With(fmt.Errorf("connecting to the engine: %w", err), "start it, or say where it is with DOCKER_HOST")
	case errdefs.IsNotFound(err):
		return hint.With(fmt.Errorf("asking about container %q: %w", name, err), "docker ps --all lists what is there")
	}
	return fmt.Errorf("asking about container %q: %w", name, err)
}

// An engine is asked about one container.
type engine struct {
	*client.Client
	missing []string
}

func (e *engine) subject(ctx context.Context, name string) (*Subject, error) {
	version, err := e.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, err
	}
	answer, err := e.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	if err := limits.Described.Check(int64(len(answer.Raw))); err != nil {
		return nil, err
	}
	c, err := readInspected(answer.Raw, time.Now())
	if err != nil {
		return nil, err
	}
	c.Name, c.HostArch = "", version.Arch
	for _, part := range version.Components {
		if strings.HasPrefix(part.Name, "Podman") {
			c.Platform = Podman
		}
	}
	e.note("the image", e.image(ctx, c))
	e.note("what it has written", e.changes(ctx, c))
	e.note("the log", e.log(ctx, c, answer.Container.Config != nil && answer.Container.Config.Tty))
	if c.Status == Running {
		e.note("processor time", e.stats(ctx, c))
		c.Sockets = socketsOf(answer.Container.State.Pid, c.ID)
	}
	return &Subject{Name: "docker:" + name, Containers: []*Container{c}, Missing: e.missing}, nil
}

// note keeps what could not be looked at: it leaves out one piece of evidence, not all.
func (e *engine) note(what string, err error) {
	if err != nil {
		e.missing = append(e.missing, fmt.Sprintf("%s: %v", what, err))
	}
}

func (e *engine) image(ctx context.Context, c *Container) error {
	answer, err := e.ImageInspect(ctx, c.ImageID)
	if err != nil {
		return err
	}
	c.Arch = answer.Architecture
	return nil
}

// limitChanges limits the list of files that a container has changed: the container
// decides how long it is.
func limitChanges(r *http.Response) {
	if path.Base(r.Request.URL.Path) == "changes" {
		r.Body = struct {
			io.Reader
			io.Closer
		}{limits.Described.Reader(r.Body), r.Body}
	}
}

// changes asks which files the container has added, changed or removed. Only of these can
// the image no longer tell.
func (e *engine) changes(ctx context.Context, c *Container) error {
	if c.Health == Healthy {
		return nil
	}
	answer, err := e.ContainerDiff(ctx, c.ID, client.ContainerDiffOptions{})
	if err != nil {
		return err
	}
	above := map[string]bool{} // directories of others in the list, which are changed by these
	for _, change := range answer.Changes {
		above[path.Dir(change.Path)] = true
	}
	for _, change := range answer.Changes {
		if !above[change.Path] {
			c.Run.Written = append(c.Run.Written, change.Path)
		}
	}
	return nil
}

// logLines is how many of the last lines of a container's log are read.
const logLines = "200"

// log reads the end of what the container has written.
func (e *engine) log(ctx context.Context, c *Container, tty bool) error {
	stream, err := e.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Tail: logLines})
	if err != nil {
		return err
	}
	defer stream.Close()
	var text bytes.Buffer
	limited := limits.Log.Reader(stream)
	if tty {
		_, err = io.Copy(&text, limited)
	} else {
		_, err = stdcopy.StdCopy(&text, &text, limited)
	}
	c.Log = readLog(text.String())
	return err
}

// readLog reads lines that begin with a time.
func readLog(text string) (lines []Fact) {
	for line := range strings.Lines(text) {
		stamp, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			rest = line
		}
		lines = append(lines, Fact{at, rest})
	}
	slices.SortStableFunc(lines, func(a, b Fact) int { return a.Time.Compare(b.Time) })
	return lines
}

// stats asks how often the container has used up its processor time.
func (e *engine) stats(ctx context.Context, c *Container) error {
	if c.CPUs == 0 {
		return nil
	}
	answer, err := e.ContainerStats(ctx, c.ID, client.ContainerStatsOptions{})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := limits.Described.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var said struct {
		CPU struct {
			Throttling struct {
				Periods   float64 `json:"periods"`
				Throttled float64 `json:"throttled_periods"`
			} `json:"throttling_data"`
		} `json:"cpu_stats"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	if t := said.CPU.Throttling; t.Periods > 0 {
		c.Throttled = t.Throttled / t.Periods
	}
	return nil
}
