package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/logs"
	"github.com/google/ko/pkg/commands"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/action"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
)

// newRoot returns ko's command tree with kohealth's commands in the places of ko's.
func newRoot() *cobra.Command {
	v := version.Read()
	kocompat.UseKeychain(registry.NewKeychain())
	commands.Version = v.Ko // for SBOMs and the User-Agent to be as ko's
	root := commands.New()
	root.Use = "kohealth"
	root.Short = "Build container images of Go programs, as ko does, with health checks."
	root.SilenceErrors, root.DisableSuggestions = true, true // run prints them
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(cli.ExplainFlag)
	root.Example = `
  # Build an image that can tell whether it is alive, and push it.
  export KO_DOCKER_REPO=registry.example.com/team
  kohealth build --health=http://:8080/healthz ./cmd/app

  # Find the check that suits the app, and write it into .ko.yaml.
  kohealth init ./cmd/app

  # Does it pass? Run both on this machine.
  kohealth try ./cmd/app

  # Put it into an ECS task definition, with its check.
  kohealth taskdef -f task-definition.json --container app=./cmd/app -o deploy.json

  # Will the check of this file work in the images that it names?
  kohealth lint compose.yaml`
	setExamples(root)
	setHelp(root)
	setLogs(root)
	setBuild(command(root, "build"), v)
	setResolve(command(root, "resolve"), v)
	setKubectl(command(root, "apply"), v)
	setKubectl(command(root, "create"), v)
	setRun(command(root, "run"), v)
	setVersion(command(root, "version"), v)
	root.AddCommand(newBase(v), newInit(), newProbe(), newRender(v), newTaskdef(v), newLint(v), newTry(v), newWhy(v), action.New(newRoot, whyOf), kocompat.NewBuildID())
	return root
}

// setExamples has the examples of ko's commands name kohealth.
func setExamples(cmd *cobra.Command) {
	cmd.Example = strings.ReplaceAll(cmd.Example, "\n  ko ", "\n  kohealth ")
	for _, c := range cmd.Commands() {
		setExamples(c)
	}
}

// setLogs has what ko has libraries print on stderr stay out of the way of progress, and
// harm no terminal.
func setLogs(root *cobra.Command) {
	setUp := root.PersistentPreRun
	root.PersistentPreRun = func(cmd *cobra.Command, args []string) {
		setUp(cmd, args)
		provideGo()
		out := term.ProgressOf(cmd.Context()).Writer(os.Stderr)
		for logger, to := range map[*log.Logger]io.Writer{logs.Warn: term.Log(out), logs.Debug: term.Dump(out), logs.Progress: term.Log(out)} {
			if logger.Writer() == os.Stderr {
				logger.SetOutput(to)
			}
		}
	}
}

// provideGo puts the go command that the user names into PATH if there is none: ko, too,
// has libraries start go by that name.
func provideGo() {
	own := os.Getenv(kocompat.GoVariable)
	if _, err := exec.LookPath("go"); err == nil || own == "" {
		return
	}
	if path, err := layers.FindGo(own); err == nil && strings.TrimSuffix(filepath.Base(path), ".exe") == "go" {
		_ = os.Setenv("PATH", filepath.Dir(path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
}

// command returns the subcommand of ko's with the given name.
func command(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c
		}
	}
	panic(fmt.Sprintf("ko has no command %q", name)) // a test would have told
}

func setVersion(cmd *cobra.Command, v version.Info) {
	cmd.Short = "Print the versions of kohealth, ko and Go."
	cmd.Run = func(*cobra.Command, []string) {
		_ = term.Printf(os.Stdout, "kohealth %s\nko %s\ngo %s\n", v.Kohealth, v.Ko, v.Golang)
	}
}
