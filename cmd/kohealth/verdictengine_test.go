package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	moby "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// A verdictEngine runs checks in containers of the Docker engine's. A check runs as the
// engine runs health checks: in a container that has begun, as its user, in its working
// directory, without standard input. Most run one after the other in containers that they
// share, as long as they change nothing there.
type verdictEngine struct {
	*client.Client
	images *verdictImages
	mu     sync.Mutex
	idle   map[string][]*verdictContainer // by what they are made of
}

// A verdictContainer is a container that nothing has been changed in.
type verdictContainer struct {
	id      string
	changes []string // of its files, by the app itself
}

// verdictWorkers is how many checks run at a time.
const verdictWorkers = 8

// How long a check may take, and how long an app may take to begin.
const (
	verdictTimeout = 5 * time.Second
	verdictStart   = time.Minute
)

func newVerdictEngine(t *testing.T, images *verdictImages) *verdictEngine {
	t.Helper()
	docker, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	e := &verdictEngine{Client: docker, images: images, idle: map[string][]*verdictContainer{}}
	t.Cleanup(func() {
		defer docker.Close()
		var g errgroup.Group
		g.SetLimit(verdictWorkers)
		for _, c := range slices.Concat(slices.Collect(maps.Values(e.idle))...) {
			g.Go(func() error { return e.remove(context.Background(), c.id) })
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// shared runs a check in a container that other checks have run in, or will.
func (e *verdictEngine) shared(ctx context.Context, v verdictCase, test []string) (healthy bool, log string, err error) {
	return e.sharedOf(ctx, e.images.ref(v.Image), v, test)
}

// sharedOf is shared in a container of another image.
func (e *verdictEngine) sharedOf(ctx context.Context, image string, v verdictCase, test []string) (healthy bool, log string, err error) {
	key := fmt.Sprint(verdictConfig(image, v, nil), v.ReadOnly)
	c, err := e.take(ctx, key, image, v)
	if err != nil {
		return false, "", err
	}
	ended := true
	for range max(v.Checks, 1) {
		if healthy, log, ended, err = e.exec(ctx, c.id, test); err != nil || !healthy {
			break
		}
	}
	changes, changed := e.changes(ctx, c.id)
	if err != nil || changed != nil || !ended || !slices.Equal(changes, c.changes) {
		if removed := e.remove(ctx, c.id); err == nil {
			err = removed
		}
		return healthy, log, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle[key] = append(e.idle[key], c)
	return healthy, log, nil
}

// take returns a container that nobody else has at the time.
func (e *verdictEngine) take(ctx context.Context, key, image string, v verdictCase) (*verdictContainer, error) {
	e.mu.Lock()
	if free := e.idle[key]; len(free) > 0 {
		defer e.mu.Unlock()
		e.idle[key] = free[1:]
		return free[0], nil
	}
	e.mu.Unlock()
	id, err := e.start(ctx, v, verdictConfig(image, v, &moby.HealthConfig{Test: []string{"NONE"}}))
	if err != nil {
		return nil, err
	}
	changes, err := e.changes(ctx, id)
	return &verdictContainer{id, changes}, err
}

// verdictConfig is that of a case's container.
func verdictConfig(image string, v verdictCase, check *moby.HealthConfig) *moby.Config {
	env := v.environment()
	slices.Sort(env)
	return &moby.Config{Image: image, User: v.User, WorkingDir: v.Dir, Env: env, Healthcheck: check}
}

// start starts a container, and waits until its app says that it listens.
func (e *verdictEngine) start(ctx context.Context, v verdictCase, config *moby.Config) (id string, err error) {
	host := &moby.HostConfig{NetworkMode: "none", ReadonlyRootfs: v.ReadOnly}
	created, err := e.ContainerCreate(ctx, client.ContainerCreateOptions{Config: config, HostConfig: host, Name: "verdict-" + rand.Text()})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = e.remove(context.WithoutCancel(ctx), created.ID)
		}
	}()
	if _, err := e.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, verdictStart)
	defer cancel()
	log, err := e.ContainerLogs(ctx, created.ID, client.ContainerLogsOptions{ShowStderr: true, Follow: true})
	if err != nil {
		return "", err
	}
	defer log.Close()
	if _, err := io.ReadFull(log, make([]byte, 1)); err != nil {
		return "", fmt.Errorf("the app has not begun: %w", err)
	}
	return created.ID, nil
}

func (e *verdictEngine) remove(ctx context.Context, id string) error {
	_, err := e.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	return err
}

// changes returns which files of a container are not as in its image.
func (e *verdictEngine) changes(ctx context.Context, id string) (paths []string, err error) {
	diff, err := e.ContainerDiff(ctx, id, client.ContainerDiffOptions{})
	for _, c := range diff.Changes {
		paths = append(paths, fmt.Sprint(c.Kind, c.Path))
	}
	slices.Sort(paths)
	return paths, err
}

// exec runs a check once. ended is false if it would go on.
func (e *verdictEngine) exec(ctx context.Context, id string, test []string) (healthy bool, log string, ended bool, err error) {
	command := test[1:]
	if test[0] == "CMD-SHELL" {
		command = append([]string{"/bin/sh", "-c"}, command...)
	}
	created, err := e.ExecCreate(ctx, id, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return false, "", true, err
	}
	stream, err := e.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return false, err.Error(), true, nil // as when there is no such program
	}
	defer stream.Close()
	if err := stream.Conn.SetReadDeadline(time.Now().Add(verdictTimeout)); err != nil {
		return false, "", true, err
	}
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, stream.Reader); err != nil {
		return false, out.String(), false, nil
	}
	for {
		seen, err := e.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
		if err != nil || !seen.Running {
			return err == nil && seen.ExitCode == 0, out.String(), true, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// healthcheck has the engine itself run a check, until it calls the container unhealthy or
// has passed the check often enough.
func (e *verdictEngine) healthcheck(ctx context.Context, v verdictCase, test []string) (healthy bool, log string, err error) {
	check := &moby.HealthConfig{Test: test, Interval: time.Second, Timeout: verdictTimeout, Retries: 2}
	id, err := e.start(ctx, v, verdictConfig(e.images.ref(v.Image), v, check))
	if err != nil {
		return false, "", err
	}
	defer func() {
		if removed := e.remove(context.WithoutCancel(ctx), id); err == nil {
			err = removed
		}
	}()
	for end := time.Now().Add(verdictStart); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		seen, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if err != nil {
			return false, "", err
		}
		health := seen.Container.State.Health
		if health == nil {
			return false, "", fmt.Errorf("the engine does not check: %s", seen.Container.State.Status)
		}
		for _, r := range health.Log {
			log = r.Output
		}
		switch {
		case health.Status == moby.Unhealthy:
			return false, log, nil
		case health.Status == moby.Healthy && len(health.Log) >= v.Checks:
			return true, log, nil
		}
	}
	return false, "", fmt.Errorf("the engine has not judged")
}
