// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

func main() { os.Exit(run()) }

func run() int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signals = append(signals, syscall.SIGHUP)
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // when a terminal is closed, kernel and shell both send it
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	progress := newProgress(os.Stderr)
	log.SetOutput(term.Log(progress.writer(os.Stderr)))
	err := newRoot().ExecuteContext(withProgress(ctx, progress))
	progress.close()
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		say("Error: interrupted\n")
	case errors.As(err, new(*told)):
	default:
		sayError(err)
	}
	return exitCode(err)
}
