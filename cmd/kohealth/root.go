package main

import (
	"fmt"
	"runtime/debug"

	"github.com/google/ko/pkg/commands"
	"github.com/spf13/cobra"
)

// newRoot returns ko's command tree with kohealth's commands in the places of ko's.
func newRoot() *cobra.Command {
	v := readVersions()
	commands.Version = v.ko // for SBOMs and the User-Agent to be as ko's
	root := commands.New()
	root.Use = "kohealth"
	root.Short = "Build container images of Go programs, as ko does, with health checks."
	root.SilenceErrors = true // run prints them
	setBuild(command(root, "build"), v)
	setResolve(command(root, "resolve"), v)
	setKubectl(command(root, "apply"), v)
	setKubectl(command(root, "create"), v)
	setRun(command(root, "run"), v)
	setVersion(command(root, "version"), v)
	root.AddCommand(newBase(v), newRender(v), newTaskdef(v), newLint(v), newAction(), newBuildID())
	return root
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

// versions are what this binary was built from.
type versions struct{ kohealth, ko, golang string }

func readVersions() versions {
	v := versions{kohealth: "(devel)", ko: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.golang = info.GoVersion
	if info.Main.Version != "" {
		v.kohealth = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/google/ko" {
			v.ko = dep.Version
		}
	}
	return v
}

func setVersion(cmd *cobra.Command, v versions) {
	cmd.Short = "Print the versions of kohealth, ko and Go."
	cmd.Run = func(*cobra.Command, []string) {
		fmt.Printf("kohealth %s\nko %s\ngo %s\n", v.kohealth, v.ko, v.golang)
	}
}
