package main

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
	dir, remove, err := tempDir()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} { // the latter two on Windows
		if err := os.Setenv(name, dir); err != nil {
			return nil, errors.Join(fmt.Errorf("making temporary directory: %w", err), remove())
		}
	}
	adoptOrphans()
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { killChildrenUntil(left) })
	return func(ok bool) {
		stop()
		close(left)
		if !ok || ctx.Err() != nil {
			reapChildren()
		}
		if err := remove(); err != nil {
			log.Printf("warning: %v", err)
		}
	}, nil
}

// within has do use a temporary directory that is the process's own.
func within(ctx context.Context, do func() error) (err error) {
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
