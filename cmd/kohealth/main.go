// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

func main() { os.Exit(run()) }

func run() int {
	ctx := withInterrupts(context.Background())
	progress := newProgress(os.Stderr)
	onEnd(ctx, progress.close)
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
