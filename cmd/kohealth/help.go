package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// setHelp has the help of all commands in groups, and no wider than the terminal.
func setHelp(root *cobra.Command) {
	cobra.AddTemplateFunc("wrapped", func(text string) string { return wrap(joined(text), helpWidth()) })
	cobra.AddTemplateFunc("flagGroups", func(cmd *cobra.Command) string { return flagGroups(cmd, helpWidth()) })
	cobra.AddTemplateFunc("inherited", func(cmd *cobra.Command) string { return cmd.InheritedFlags().FlagUsagesWrapped(helpWidth()) })
	cobra.AddTemplateFunc("commandGroups", func(cmd *cobra.Command) string { return commandGroups(cmd, helpWidth()) })
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | wrapped | trimTrailingWhitespaces}}\n\n{{end}}" +
		"{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}")
	root.SetUsageTemplate(usageTemplate)
}

// usageTemplate is cobra's, with groups of flags, and lines that end in time.
const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

{{commandGroups . | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableLocalFlags}}

{{flagGroups . | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global Flags:
{{inherited . | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Use "{{.CommandPath}} [command] --help" for more information about a command.{{end}}
`

// helpWidth is how many columns help may take: those of the terminal, or of COLUMNS, at
// least 60; 80 where nobody says.
func helpWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 {
		if width, err = strconv.Atoi(os.Getenv("COLUMNS")); err != nil {
			width = 80
		}
	}
	return max(60, width)
}

// flagGroups lists a command's own flags by what they are about.
func flagGroups(cmd *cobra.Command, width int) string {
	groups := []struct {
		title string
		flags *pflag.FlagSet
	}{{"Flags", newGroup()}, {"Health check", newGroup()}, {"Packages", newGroup()}, {"ko's own flags", newGroup()}}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { groups[groupOf(f)].flags.AddFlag(f) })
	if cmd.LocalFlags().Lookup("health") == nil {
		return "Flags:\n" + cmd.LocalFlags().FlagUsagesWrapped(width)
	}
	var text strings.Builder
	for _, g := range groups {
		if usages := g.flags.FlagUsagesWrapped(width); usages != "" {
			text.WriteString(g.title + ":\n" + usages + "\n")
		}
	}
	return text.String()
}

func newGroup() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	return set
}

// groupOf returns the index of the group that a flag is in.
func groupOf(f *pflag.Flag) int {
	for _, own := range pipeline.HealthFlagTable() {
		if own.Name != f.Name {
			continue
		}
		switch own.Key {
		case health.KeyTool, health.KeyPackages, health.KeyRepositories, health.KeyKeys, health.KeyOffline:
			return 2
		}
		return 1
	}
	if isKoFlag(f.Name) {
		return 3
	}
	return 0
}

// isKoFlag reports whether ko's commands that build have a flag of a name, too.
func isKoFlag(name string) bool {
	ko := &cobra.Command{}
	options.AddPublishArg(ko, &options.PublishOptions{})
	options.AddBuildOptions(ko, &options.BuildOptions{})
	options.AddFileArg(ko, &options.FilenameOptions{})
	options.AddSelectorArg(ko, &options.SelectorOptions{})
	return ko.Flags().Lookup(name) != nil
}

// ownCommands are kohealth's own, in the order in which somebody whose check fails needs them.
func ownCommands() []string {
	return []string{"lint", "init", "try", "taskdef", "why", "render", "base", "probe"}
}

// commandGroups lists a command's commands: kohealth's own, and those that ko has, too.
func commandGroups(cmd *cobra.Command, width int) string {
	var own, others []string
	for _, name := range ownCommands() {
		if c, _, err := cmd.Find([]string{name}); err == nil && c.Parent() == cmd {
			own = append(own, commandLine(c, width))
		}
	}
	for _, c := range cmd.Commands() {
		if (c.IsAvailableCommand() || c.Name() == "help") && !(len(own) > 0 && slices.Contains(ownCommands(), c.Name())) {
			others = append(others, commandLine(c, width))
		}
	}
	if len(own) == 0 {
		return "Available Commands:\n" + strings.Join(others, "\n")
	}
	return "Health checks:\n" + strings.Join(own, "\n") + "\n\nko's commands, with health checks:\n" + strings.Join(others, "\n")
}

// commandLine returns a command's line in the list of commands.
func commandLine(cmd *cobra.Command, width int) string {
	indent := cmd.NamePadding() + 3
	words := wrap(cmd.Short, width-indent)
	name := "  " + cmd.Name() + strings.Repeat(" ", max(1, indent-2-len(cmd.Name())))
	return name + strings.ReplaceAll(words, "\n", "\n"+strings.Repeat(" ", indent))
}

// joined makes one line of each paragraph: lines that are indented, or items of a list, stay.
func joined(text string) string {
	lines := strings.Split(text, "\n")
	out := lines[:1]
	for _, line := range lines[1:] {
		before := out[len(out)-1]
		if goesOn(before) && goesOn(line) && !strings.HasPrefix(line, "- ") {
			out[len(out)-1] = before + " " + line
			continue
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// goesOn reports whether a line is one of a paragraph's.
func goesOn(line string) bool {
	return line != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t")
}

// wrap breaks lines that are longer than width at spaces. A line that is broken goes on
// below its first word.
func wrap(text string, width int) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for len(line) > width {
			end := strings.LastIndex(line[:width+1], " ")
			if end <= len(indent) {
				break // a word alone
			}
			lines = append(lines, strings.TrimRight(line[:end], " "))
			line = indent + line[end+1:]
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
