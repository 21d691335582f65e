// Command kohealth is ko with health checks: it builds container images of Go
// programs that can tell whether they are alive.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
)

func main() { os.Exit(run()) }

func run() int {
	ctx := withInterrupts(context.Background())
	progress := newProgress(os.Stderr)
	onEnd(ctx, progress.close)
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
