package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// Exit codes of the commands that ko has, too, are ko's.
const (
	exitOK      = 0
	exitFailure = 1
)

// Exit codes of the commands that ko does not have.
const (
	exitFound = 1 // lint has found something
	exitUsage = 2 // the command line is wrong
	exitError = 3 // the command could not do its work
)

// An exit is an error that ends the process with a code.
type exit struct {
	error
	code int
}

func (e *exit) Unwrap() error { return e.error }

// exitCode returns the code that an error ends the process with.
func exitCode(err error) int {
	var e *exit
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailure
}

// told is an error that the user has been told.
type told struct{ error }

func (t *told) Unwrap() error { return t.error }

// found marks an error as what the command has looked for.
func found(err error) error { return &exit{err, exitFound} }

// silently marks an error as one that the user has been told.
func silently(err error) error { return &told{err} }

// usage marks an error as one of the command line.
func usage(err error) error { return &exit{err, exitUsage} }

// ownCodes gives a command that ko does not have its exit codes.
func ownCodes(cmd *cobra.Command) *cobra.Command {
	run, args := cmd.RunE, cmd.Args
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(explainFlag(cmd, err)) })
	if args != nil {
		cmd.Args = func(cmd *cobra.Command, list []string) error {
			if err := args(cmd, list); err != nil {
				return usage(err)
			}
			return nil
		}
	}
	cmd.RunE = func(cmd *cobra.Command, list []string) error {
		err := run(cmd, list)
		var e *exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exit{err, exitError}
	}
	return cmd
}

// explainFlag adds what was meant to the error of a flag that there is not.
func explainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	next := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := health.Nearest(unknown.GetSpecifiedName(), names)
	if strings.HasPrefix(unknown.GetSpecifiedName(), "health") && !strings.HasPrefix(near, "health") && slices.Contains(names, "health") {
		near = "health" // for --health-path and --healthcheck
	}
	if near != "" {
		next = fmt.Sprintf("did you mean --%s? %s", near, next)
	}
	return hint.With(err, next)
}
