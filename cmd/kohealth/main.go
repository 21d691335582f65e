// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/ko-health/kohealth/builder/hint"
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
	log.SetOutput(progress.writer(os.Stderr))
	err := newRoot().ExecuteContext(withProgress(ctx, progress))
	progress.close()
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "Error: interrupted")
	case errors.As(err, new(*told)):
	default:
		fmt.Fprintln(os.Stderr, "Error:", err)
		if h := hint.Of(err); h != "" {
			fmt.Fprintln(os.Stderr, "Hint:", h)
		}
		if strings.HasPrefix(err.Error(), "unknown command") {
			fmt.Fprintln(os.Stderr, "Run 'kohealth --help' for usage.")
		}
	}
	return exitCode(err)
}
