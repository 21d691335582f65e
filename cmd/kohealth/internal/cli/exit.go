// Package cli is what the commands have in common for those who call them: exit codes,
// errors on stderr, and the shell's completion.
package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// Exit codes of the commands that ko has, too, are ko's.
const (
	ExitOK      = 0
	ExitFailure = 1
)

// Exit codes of the commands that ko does not have.
const (
	ExitFound = 1 // lint has found something
	exitUsage = 2 // the command line is wrong
	exitError = 3 // the command could not do its work
)

// An exit is an error that ends the process with a code.
type exit struct {
	error
	code int
}

func (e *exit) Unwrap() error { return e.error }

// ExitCode returns the code that an error ends the process with.
func ExitCode(err error) int {
	var e *exit
	if errors.As(err, &e) {
		return e.code
	}
	return ExitFailure
}

// Told is an error that the user has been told.
type Told struct{ error }

func (t *Told) Unwrap() error { return t.error }

// Found marks an error as what the command has looked for.
func Found(err error) error { return &exit{err, ExitFound} }

// Silently marks an error as one that the user has been told.
func Silently(err error) error { return &Told{err} }

// Usage marks an error as one of the command line.
func Usage(err error) error { return &exit{err, exitUsage} }

// OwnCodes gives a command that ko does not have its exit codes.
func OwnCodes(cmd *cobra.Command) *cobra.Command {
	run, args := cmd.RunE, cmd.Args
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return Usage(ExplainFlag(cmd, err)) })
	if args != nil {
		cmd.Args = func(cmd *cobra.Command, list []string) error {
			err := args(cmd, list)
			if err != nil && strings.HasPrefix(err.Error(), "unknown command") { // cobra's word where there are to be none
				err = fmt.Errorf("unexpected argument %q", list[0])
			}
			if err != nil {
				return Usage(hint.With(err, fmt.Sprintf("write %s %s", cmd.Root().Name(), cmd.Use)))
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

// ExplainCommand adds what was meant to the error of a command that there is not.
func ExplainCommand(root *cobra.Command, err error) error {
	_, rest, unknown := strings.Cut(err.Error(), "unknown command ")
	if !unknown {
		return err
	}
	typed, quoteErr := strconv.QuotedPrefix(rest)
	if quoteErr == nil {
		typed, _ = strconv.Unquote(typed)
	}
	err = fmt.Errorf("unknown command %q", typed)
	next := root.Name() + " --help lists the commands"
	if near := root.SuggestionsFor(typed); len(near) > 0 {
		next = fmt.Sprintf("did you mean %s? %s", strings.Join(near, " or "), next)
	}
	return hint.With(err, next)
}

// ExplainFlag adds what was meant to the error of a flag that there is not.
func ExplainFlag(cmd *cobra.Command, err error) error {
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
	if strings.Contains(cmd.Use, "[-- ARG...]") {
		next += "; flags for the app stand behind --"
	}
	if near != "" {
		next = fmt.Sprintf("did you mean --%s? %s", near, next)
	}
	return hint.With(err, next)
}
