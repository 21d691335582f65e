package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// Completion starts no process and asks no server: people wait for it at every press of a
// key. After an error it offers nothing.

func formatWords() (words []string) {
	for _, f := range render.Formats() {
		words = append(words, f.Name+"\t"+f.About)
	}
	return words
}

func ruleWords() (words []string) {
	for _, r := range lint.Rules() {
		words = append(words, r.ID+"\t"+r.Doc)
	}
	return words
}

// completeBuild completes the IDs of the builds in the file that is rendered.
func (rf *renderFlags) completeBuild(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	file, _ := health.ReadFile(cmp.Or(rf.file, files.ConfigFile(".")))
	return cli.Beginning(file.IDs(), typed), cobra.ShellCompDirectiveNoFileComp
}

// completeMains completes the directories of main packages, or files as ko does where
// there are none.
func completeMains(_ *cobra.Command, args []string, typed string) (dirs []string, _ cobra.ShellCompDirective) {
	dirs = slices.DeleteFunc(cli.Beginning(pipeline.MainDirs(typed[:strings.LastIndexAny(typed, `/\`)+1]), typed),
		func(dir string) bool { return slices.Contains(args, dir) })
	if len(dirs) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return dirs, cobra.ShellCompDirectiveNoFileComp
}
