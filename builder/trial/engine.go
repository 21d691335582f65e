package trial

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/daemon"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// An Engine is a Docker engine with an image in it, until [Engine.Close].
type Engine struct {
	docker   *client.Client
	platform v1.Platform
	tag      name.Tag // "" before there is an image
	env      []string // of the image
	test     health.Test
	schedule schedule // of the image's check
	podman   bool     // the engine is Podman, which speaks Docker's API
}

// OpenEngine connects to the engine that DOCKER_HOST names, or to the usual one.
func OpenEngine(ctx context.Context) (*Engine, error) {
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Docker engine: %w", err)
	}
	version, err := docker.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		_ = docker.Close()
		return nil, hint.With(fmt.Errorf("connecting to the Docker engine: %w", err),
			"start it, or say where it is with DOCKER_HOST")
	}
	return &Engine{
		docker:   docker,
		platform: v1.Platform{OS: version.Os, Architecture: version.Arch},
		podman: slices.ContainsFunc(version.Components, func(c system.ComponentVersion) bool {
			return strings.HasPrefix(c.Name, "Podman")
		}),
	}, nil
}

// Platform returns the platform of the images that the engine runs.
func (e *Engine) Platform() v1.Platform { return e.platform }

// Load loads an image under a name of its own. The check is the image's.
func (e *Engine) Load(ctx context.Context, img v1.Image, check health.Config) (err error) {
	if e.test, err = testOf(check); err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	e.env, e.schedule = config.Config.Env, newSchedule(check)
	if e.tag, err = name.NewTag("kohealth.local/try:" + strings.ToLower(rand.Text())); err != nil {
		return err
	}
	if _, err := daemon.Write(e.tag, img, daemon.WithContext(ctx), daemon.WithClient(e.docker)); err != nil {
		return fmt.Errorf("loading the image into the Docker engine: %w", err)
	}
	return nil
}

// removal is how long the engine may take to remove what is left of a trial.
const removal = 30 * time.Second

// Close removes the image, and ends the connection.
func (e *Engine) Close() error {
	defer e.docker.Close()
	if e.tag == (name.Tag{}) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), removal)
	defer cancel()
	_, err := e.docker.ImageRemove(ctx, e.tag.Name(), client.ImageRemoveOptions{PruneChildren: true})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("removing the image from the Docker engine: %w", err)
	}
	return nil
}

func isNotFound(err error) bool {
	var nf interface{ NotFound() }
	return errors.As(err, &nf)
}

// Run runs the image in a container until the engine calls it healthy or unhealthy, and
// removes the container.
func (e *Engine) Run(ctx context.Context, opts Options) (o Outcome, err error) {
	env := opts.Env
	if wantsPort(e.test) && valueOf(slices.Concat(e.env, env), "PORT") == "" {
		env = append([]string{"PORT=8080"}, env...) // nobody else is in the container
	}
	created, err := e.docker.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{Image: e.tag.Name(), Cmd: opts.Args, Env: env},
	})
	if err != nil {
		return o, fmt.Errorf("creating a container: %w", err)
	}
	output, err := attach(ctx, e.docker, created.ID, cmp.Or(opts.Output, io.Discard))
	if err != nil {
		return o, errors.Join(err, e.remove(created.ID, grace))
	}
	defer func() {
		removed := e.remove(created.ID, graceOf(ctx))
		if removed != nil {
			output.close() // it would end with the container
		}
		err = errors.Join(err, removed, output.rest())
	}()
	if _, err := e.docker.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		output.close()
		return o, fmt.Errorf("starting the container: %w", err)
	}
	opts.started()
	f := &follower{Engine: e, id: created.ID, opts: &opts}
	return f.follow(ctx)
}

// remove stops and removes a container, whatever else has been interrupted.
func (e *Engine) remove(id string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), removal)
	defer cancel()
	seconds := int(grace.Seconds())
	_, _ = e.docker.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &seconds}) // else it is killed
	_, err := e.docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("removing the container: %w", err)
	}
	return nil
}

// A follower follows the health of a container.
type follower struct {
	*Engine
	id     string
	opts   *Options
	seen   time.Time // the start of the last check that was reported
	last   Check
	checks int // that were reported
}

// poll is how often the engine is asked.
const poll = 100 * time.Millisecond

func (f *follower) follow(ctx context.Context) (o Outcome, err error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	begun := time.Now()
	for {
		state, err := f.state(ctx)
		if err != nil {
			return o, err
		}
		if err := f.report(state); err != nil {
			return o, err
		}
		if o, over, err := f.outcome(state); over || err != nil {
			return o, err
		}
		if waited := time.Since(begun); f.checks == 0 && waited > f.schedule.patience() {
			return o, f.unchecked(fmt.Errorf("the engine has run no check in %s", waited.Round(time.Second/10)))
		}
		select {
		case <-ctx.Done():
			return o, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (f *follower) state(ctx context.Context) (*container.State, error) {
	inspected, err := f.docker.ContainerInspect(ctx, f.id, client.ContainerInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("asking for the container's health: %w", err)
	}
	state := inspected.Container.State
	if state == nil || state.Health == nil || state.Health.Status == "" || state.Health.Status == container.NoHealthcheck {
		return nil, f.unchecked(errors.New("the engine does not check the container's health"))
	}
	return state, nil
}

// unchecked adds to an error why the engine may run no checks.
//
// https://docs.podman.io/en/stable/markdown/podman-healthcheck-run.1.html
func (f *follower) unchecked(err error) error {
	if !f.podman {
		return hint.With(err, "docker info says which engine DOCKER_HOST leads to, and Docker runs checks; kohealth try without --engine runs them itself")
	}
	return hint.With(err, "Podman reads checks from images in Docker's format, --image-format=docker, and runs them by timers of systemd; kohealth try without --engine runs them itself")
}

// report reports the checks that are new.
func (f *follower) report(state *container.State) error {
	started, err := time.Parse(time.RFC3339Nano, state.StartedAt)
	if err != nil {
		return fmt.Errorf("parsing the engine's answer: %w", err)
	}
	for i, result := range state.Health.Log {
		if !result.Start.After(f.seen) {
			continue
		}
		f.seen = result.Start
		f.last = Check{
			At:       result.End.Sub(started),
			Took:     result.End.Sub(result.Start),
			Failures: max(0, state.Health.FailingStreak-(len(state.Health.Log)-1-i)),
			Retries:  f.schedule.Retries,
		}
		if result.ExitCode != 0 {
			f.last.Cause = causeOf(result.Output, fmt.Sprintf("exit code %d", result.ExitCode))
		}
		f.checks++
		f.opts.report(f.last)
	}
	return nil
}

func (f *follower) outcome(state *container.State) (o Outcome, over bool, err error) {
	o = Outcome{Last: f.last, After: f.last.At, Checks: f.checks}
	switch {
	case !state.Running:
		started, _ := time.Parse(time.RFC3339Nano, state.StartedAt)
		finished, err := time.Parse(time.RFC3339Nano, state.FinishedAt)
		o.After, o.End = max(0, finished.Sub(started)), fmt.Sprintf("with code %d", state.ExitCode)
		if state.OOMKilled {
			o.End += ", for want of memory"
		}
		return o, true, err
	case state.Health.Status == container.Healthy:
		o.Healthy = true
		return o, true, nil
	}
	return o, state.Health.Status == container.Unhealthy, nil
}
