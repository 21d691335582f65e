// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
)

// Exit codes of the commands that ko has, too, are ko's.
const (
	exitOK      = 0
	exitFailure = 1
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	leave, err := enter(ctx)
	if err == nil {
		remote.DefaultTransport = layers.Transport(remote.DefaultTransport)
		err = newRoot().ExecuteContext(ctx)
		err = errors.Join(err, leave())
	}
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "Error: interrupted")
	default:
		fmt.Fprintln(os.Stderr, "Error:", err)
		if h := hint.Of(err); h != "" {
			fmt.Fprintln(os.Stderr, "Hint:", h)
		}
	}
	return exitFailure
}

// enter gives the process a temporary directory of its own: ko, and go itself when
// it is killed, leave theirs behind, and leave removes them all. Once ctx is done
// the processes that were started end, too; ko would wait for those that go has
// started.
func enter(ctx context.Context) (leave func() error, err error) {
	dir, err := os.MkdirTemp("", "kohealth-")
	if err != nil {
		return nil, fmt.Errorf("making temporary directory: %w", err)
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} { // the latter two on Windows
		if err := os.Setenv(name, dir); err != nil {
			return nil, fmt.Errorf("making temporary directory: %w", err)
		}
	}
	adoptOrphans()
	left := make(chan struct{})
	context.AfterFunc(ctx, func() { killChildrenUntil(left) })
	return func() error {
		close(left)
		if ctx.Err() != nil {
			reapChildren()
		}
		return os.RemoveAll(dir)
	}, nil
}

// killChildrenUntil kills all children, and theirs as they become ours, until left
// is closed.
func killChildrenUntil(left <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		killChildren()
		select {
		case <-left:
			return
		case <-tick.C:
		}
	}
}
