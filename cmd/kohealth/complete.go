package main

import (
	"cmp"
	gobuild "go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/render"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/layers/apk"
)

// What the shell completes is found without starting anything and without asking
// anybody: people wait for it at every press of a key. Errors leave it empty.

// completeFlags says what the values of a command's flags can be.
func completeFlags(cmd *cobra.Command, values map[string]cobra.CompletionFunc) {
	for name, complete := range values {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag is not there: a test would have told
		}
	}
}

// oneOf completes one of several words; what follows a tab is about the word.
func oneOf(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return beginning(words, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// listOf completes the last of several words that commas separate.
func listOf(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) (list []string, _ cobra.ShellCompDirective) {
		head := typed[:strings.LastIndex(typed, ",")+1]
		for _, word := range words {
			if !slices.Contains(strings.Split(head, ","), word) {
				list = append(list, head+word)
			}
		}
		return beginning(list, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// beginning returns the words with a prefix. A word that a terminal would not show as it
// is may be meant to deceive.
func beginning(words []string, prefix string) (list []string) {
	for _, word := range words {
		if strings.HasPrefix(word, prefix) && word == term.Output(word) {
			list = append(list, word)
		}
	}
	return list
}

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

// completeHealth completes the flags of a command that gives images a check.
func completeHealth(cmd *cobra.Command, hf *healthFlags) {
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"health-tool":    oneOf(health.ToolProbe, health.ToolBusybox),
		"health-package": hf.completePackage,
		formatFlag:       oneOf(string(oci.OCIFormat), string(oci.DockerFormat)),
		"platform":       listOf(append(platformWords(), "all")...),
		"sbom":           oneOf("spdx", "none"),
	})
}

// completePackage completes the names of the packages of the repositories that are
// configured, as far as they are in the cache.
func (hf *healthFlags) completePackage(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	said, _, err := readVariables()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var file health.File
	if path := configFile("."); path != "" {
		file, _ = health.ReadFile(path) // kohealth build says what is wrong with it
	}
	settings := hf.said.Over(said).Over(file.For(health.BuildID{}))
	client := &apk.Client{Cache: cacheDir()}
	for _, arch := range []string{"x86_64", "aarch64"} {
		names, err := client.Names(cmd.Context(), apk.Request{Arch: arch, Repositories: settings.Repositories, Keys: settings.Keys})
		if err == nil {
			return listOf(names...)(cmd, nil, typed)
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeBuild completes the IDs of the builds in the file that is rendered.
func (rf *renderFlags) completeBuild(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	file, _ := health.ReadFile(cmp.Or(rf.file, configFile(".")))
	return beginning(file.IDs(), typed), cobra.ShellCompDirectiveNoFileComp
}

// maxVisited is how many directories are looked into for main packages: more would make
// people wait.
const maxVisited = 5000

// completeMains completes the directories of main packages, or files as ko does where
// there are none.
func completeMains(_ *cobra.Command, args []string, typed string) (dirs []string, _ cobra.ShellCompDirective) {
	dirs = slices.DeleteFunc(beginning(mainDirs(typed[:strings.LastIndexAny(typed, `/\`)+1]), typed),
		func(dir string) bool { return slices.Contains(args, dir) })
	if len(dirs) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return dirs, cobra.ShellCompDirectiveNoFileComp
}

// mainDirs returns the directories of main packages in a directory and below it, as
// arguments for kohealth build.
func mainDirs(root string) (dirs []string) {
	root = filepath.Clean(root)
	visited := 0
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // what cannot be read is not offered
		}
		if visited++; visited > maxVisited {
			return filepath.SkipAll
		}
		if dir != root && isForeign(dir) {
			return filepath.SkipDir
		}
		if pkg, err := gobuild.ImportDir(dir, 0); err == nil && pkg.Name == "main" {
			dirs = append(dirs, asArgument(dir))
		}
		return nil
	})
	return dirs
}

// isForeign tells a directory that go's patterns leave out: https://pkg.go.dev/cmd/go#hdr-Package_lists_and_patterns
func isForeign(dir string) bool {
	name := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		slices.Contains([]string{"testdata", "vendor", "node_modules"}, name)
}

// asArgument returns a directory as go takes it for one, and not for an import path.
func asArgument(dir string) string {
	dir = filepath.ToSlash(dir)
	if dir == "." || dir == ".." || filepath.IsAbs(dir) || strings.HasPrefix(dir, "../") {
		return dir
	}
	return "./" + dir
}
