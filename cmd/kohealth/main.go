// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

func main() { os.Exit(run()) }

func run() int {
	ctx := process.WithInterrupts(context.Background())
	progress := term.NewProgress(os.Stderr)
	process.OnEnd(ctx, progress.Close)
	log.SetOutput(term.Log(progress.Writer(os.Stderr)))
	root := newRoot()
	err := root.ExecuteContext(term.WithProgress(ctx, progress))
	progress.Close()
	switch {
	case err == nil:
		return cli.ExitOK
	case ctx.Err() != nil:
		cli.Say("Error: interrupted\n")
		return process.InterruptCode(ctx, cli.ExitCode(err))
	case errors.As(err, new(*cli.Told)):
	default:
		cli.SayError(cli.ExplainCommand(root, err))
	}
	return cli.ExitCode(err)
}
