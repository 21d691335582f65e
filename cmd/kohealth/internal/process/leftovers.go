package process

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"
)

// enter gives the process a temporary directory of its own: ko, and go itself when
// it is killed, leave theirs behind, and leave removes them all. Once ctx is done
// the processes that were started end, too; ko would wait for those that go has
// started. If not all went well they end when leave is called: go, interrupted
// because nobody needs what it builds, leaves its linker running.
func enter(ctx context.Context) (leave func(ok bool), err error) {
	dir, remove, err := TempDir()
	if err != nil {
		return nil, err
	}
	crossOut := OnEnd(ctx, func() { _ = remove() })
	restore, err := setTemporary(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making temporary directory: %w", err), remove())
	}
	adoptOrphans()
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { killChildrenUntil(left) })
	return func(ok bool) {
		stop()
		close(left)
		if !ok || ctx.Err() != nil {
			ReapChildren()
		}
		if err := remove(); err != nil {
			log.Printf("warning: %v", err)
		}
		crossOut()
		restore()
	}, nil
}

// removeAll removes a directory into which somebody may be writing yet: what was killed
// takes a while to be gone, and what looks at no context goes on.
func removeAll(dir string) (err error) {
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// setTemporary has this process and those that it starts put temporary files into a
// directory, until restore is called.
func setTemporary(dir string) (restore func(), err error) {
	before := map[string]string{}
	restore = func() {
		for name, value := range before {
			_ = os.Setenv(name, value) // as it could be set before
		}
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} { // the latter two on Windows
		before[name] = os.Getenv(name) // an empty one is none
		if err := os.Setenv(name, dir); err != nil {
			restore()
			return nil, err
		}
	}
	return restore, nil
}

// InTemporary has do put its temporary files where they go when it ends or has to.
func InTemporary(ctx context.Context, do func() error) (err error) {
	leave, err := enter(ctx)
	if err != nil {
		return err
	}
	defer func() { leave(err == nil) }()
	return do()
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
