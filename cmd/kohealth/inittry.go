package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/discover"
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

// A proof is what came of running the app with a check.
type proof struct {
	passes    bool
	addresses []string // on which the app accepted connections
}

// try runs the app with a check.
func (p prover) try(ctx context.Context, test string) (proof, error) {
	log.Printf("trying %s", test)
	self, err := os.Executable()
	if err != nil {
		return proof{}, fmt.Errorf("trying %s: %w", test, err)
	}
	args := []string{"try", "--health=" + test}
	for _, kv := range p.env {
		args = append(args, "--env="+kv)
	}
	cmd := exec.CommandContext(ctx, self, slices.Concat(args, []string{p.importpath, "--"}, p.args)...)
	cmd.Args[0] = "kohealth"
	var shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &shown), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second // for the app to end
	err = cmd.Run()
	var e *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return proof{}, context.Cause(ctx)
	case errors.As(err, &e) && e.ExitCode() == cli.ExitFound:
		return proof{}, nil
	case err != nil:
		return proof{}, fmt.Errorf("trying %s: %w", test, err)
	}
	return proof{true, shownAddresses(shown.String())}, nil
}

// proves returns the check that has passed, auto with the ports that the app had, or "" if
// there is nothing to write. A check is tried beside auto: where one passes and the other
// does not, that is said.
func (p prover) proves(ctx context.Context, test string, proposals []discover.Proposal) (string, error) {
	named, err := p.try(ctx, test)
	auto := named
	if err == nil && test != health.DefaultTest {
		auto, err = p.try(ctx, health.DefaultTest)
	}
	switch {
	case err != nil:
		return "", err
	case named.passes && test != health.DefaultTest:
		if !auto.passes {
			log.Printf("%s passes, and auto does not", test)
		}
		return test, nil
	case !auto.passes:
		log.Printf("no check passes: -e NAME=VALUE gives the app what it needs, and so do arguments behind --")
		return "", nil
	case test != health.DefaultTest:
		log.Printf("auto passes, and %s does not: it needs no writing", test)
		return "", nil
	}
	ports := ownPorts(auto.addresses, func(port string) string { return p.asWritten(port, proposals) })
	if len(ports) == 0 {
		log.Printf("auto needs no writing: it is the check that an image gets without")
		return "", nil
	}
	return health.DefaultTest + ":" + strings.Join(ports, ","), nil
}

// writtenPort matches a check of a port that may have a variable with a default.
var writtenPort = regexp.MustCompile(`^tcp://:(\$\{(\w+):-\d+\})$`)

// asWritten returns a port as a check has it: with the variable that decides, by the source
// or by what the app was given.
func (p prover) asWritten(port string, proposals []discover.Proposal) string {
	for _, proposal := range proposals {
		m := writtenPort.FindStringSubmatch(proposal.Test.String())
		if m != nil && (p.value(m[2]) == port || p.value(m[2]) == "" && strings.HasSuffix(m[1], ":-"+port+"}")) {
			return m[1]
		}
	}
	for _, kv := range p.env {
		if name, _, _ := strings.Cut(kv, "="); p.value(name) == port {
			return "${" + name + ":-" + port + "}"
		}
	}
	return port
}

// value returns the value of a variable that the app was given.
func (p prover) value(name string) (value string) {
	for _, kv := range p.env {
		given, said, ok := strings.Cut(kv, "=")
		if given == name && !ok {
			said = os.Getenv(name)
		}
		if given == name {
			value = said
		}
	}
	return value
}
