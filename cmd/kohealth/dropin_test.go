package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/ko/pkg/commands"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// TestDropIn checks that every command and flag of ko's is there, with its aliases,
// shorthand and default. What kohealth adds is known by its name.
func TestDropIn(t *testing.T) {
	if diff := cmp.Diff(surface(commands.New()), surface(newRoot())); diff != "" {
		t.Errorf("commands and flags (-ko +kohealth):\n%s", diff)
	}
}

// added are the commands that ko does not have.
func added() []string {
	return []string{
		kocompat.BuildIDCommand,
		"action",
		"base",
		"init",
		"lint",
		"probe",
		"render",
		"taskdef",
		"try",
		"why",
	}
}

// surface describes a tree of commands, a line each for a command and a flag.
func surface(cmd *cobra.Command) (lines []string) {
	path := strings.Join(strings.Fields(cmd.CommandPath())[1:], " ")
	lines = append(lines, fmt.Sprintf("%s aliases=%v hidden=%v", path, cmd.Aliases, cmd.Hidden))
	describe := func(f *pflag.Flag) {
		if strings.Contains(f.Name, "health") || slices.Contains([]string{pipeline.EcrFlag, pipeline.FormatFlag, "ignore", pipeline.LintFlag, pipeline.MetadataFlag}, f.Name) {
			return
		}
		lines = append(lines, fmt.Sprintf("%s --%s -%s %s=%q", path, f.Name, f.Shorthand, f.Value.Type(), f.DefValue))
	}
	cmd.Flags().VisitAll(describe)
	cmd.PersistentFlags().VisitAll(describe)
	for _, c := range cmd.Commands() {
		if path == "" && slices.Contains(added(), c.Name()) {
			continue
		}
		lines = append(lines, surface(c)...)
	}
	slices.Sort(lines)
	return lines
}
