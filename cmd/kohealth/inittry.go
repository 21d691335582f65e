package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// A prover runs an app and sees whether checks pass, as kohealth try does: in a process of
// its own each, since building changes the environment.
type prover struct {
	importpath string
	env        []string // as of try
	args       []string // for the app
}

// passes reports whether a check does.
func (p prover) passes(ctx context.Context, test string) (bool, error) {
	log.Printf("trying %s", test)
	self, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("trying %s: %w", test, err)
	}
	args := []string{"try", "--health=" + test}
	for _, kv := range p.env {
		args = append(args, "--env="+kv)
	}
	cmd := exec.CommandContext(ctx, self, slices.Concat(args, []string{p.importpath, "--"}, p.args)...)
	cmd.Args[0] = "kohealth"
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second // for the app to end
	err = cmd.Run()
	var e *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.As(err, &e) && e.ExitCode() == cli.ExitFound:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("trying %s: %w", test, err)
	}
	return true, nil
}

// proves reports whether a check passes, and compares it with auto: where one passes and
// the other does not, that is said.
func (p prover) proves(ctx context.Context, test string) (bool, error) {
	passes, err := p.passes(ctx, test)
	if err != nil || test == health.DefaultTest {
		return passes, err
	}
	auto, err := p.passes(ctx, health.DefaultTest)
	switch {
	case err != nil:
		return false, err
	case passes && !auto:
		log.Printf("%s passes, and auto does not", test)
	case !passes && auto:
		log.Printf("auto passes, and %s does not: it needs no writing", test)
	case !passes:
		log.Printf("no check passes: -e NAME=VALUE gives the app what it needs, and so do arguments behind --")
	}
	return passes, nil
}
