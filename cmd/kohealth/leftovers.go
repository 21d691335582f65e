package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

// enter gives the process a temporary directory of its own: ko, and go itself when
// it is killed, leave theirs behind, and leave removes them all. Once ctx is done
// the processes that were started end, too; ko would wait for those that go has
// started. If not all went well they end when leave is called: go, interrupted
// because nobody needs what it builds, leaves its linker running.
func enter(ctx context.Context) (leave func(ok bool), err error) {
	dir, err := os.MkdirTemp("", "kohealth-")
	if err == nil {
		dir, err = filepath.Abs(dir) // go runs in other directories, too
	}
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
	stop := context.AfterFunc(ctx, func() { killChildrenUntil(left) })
	return func(ok bool) {
		stop()
		close(left)
		if !ok || ctx.Err() != nil {
			reapChildren()
		}
		if err := os.RemoveAll(dir); err != nil {
			log.Printf("warning: removing temporary directory: %v", err)
		}
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
