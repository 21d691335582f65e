package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp checks that help is no wider than the terminal, but for examples, which are
// there to be copied, and that flags are in groups.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	root := newRoot()
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		var out strings.Builder
		cmd.SetOut(&out)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		help := strings.Replace(out.String(), cmd.Example, "", 1)
		for line := range strings.Lines(help) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > 80 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s --help has a line of %d columns: %s", cmd.CommandPath(), len(line), line)
			}
		}
		if cmd.Flags().Lookup("health") != nil {
			checkGroups(t, cmd.CommandPath(), help)
		}
		for _, c := range cmd.Commands() {
			if c.Name() != "delete" && c.Name() != "completion" { // kubectl's, and cobra's
				visit(c)
			}
		}
	}
	visit(root)
}

// TestCommandGroups checks that help lists every command once: kohealth's own first.
func TestCommandGroups(t *testing.T) {
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	own, kos, found := strings.Cut(commandGroups(root, 80), "ko's commands, with health checks:\n")
	if !found || !strings.HasPrefix(own, "Health checks:\n  lint ") {
		t.Fatalf("groups:\n%s%s", own, kos)
	}
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		line := "\n  " + c.Name() + " "
		isOwn := strings.Count("\n"+own, line)
		if inKo := strings.Count("\n"+kos, line); isOwn+inKo != 1 || (isOwn == 1) != slices.Contains(ownCommands(), c.Name()) {
			t.Errorf("%s is listed %d times among kohealth's, %d times among ko's", c.Name(), isOwn, inKo)
		}
	}
}

func checkGroups(t *testing.T, name, help string) {
	t.Helper()
	for flag, group := range map[string]string{"--health ": "Health check:", "--health-package ": "Packages:", "--tags ": "ko's own flags:"} {
		before, _, found := strings.Cut(help, flag)
		if !found {
			continue // try publishes nothing
		}
		var last string
		for line := range strings.Lines(before) {
			if strings.HasSuffix(line, ":\n") && !strings.HasPrefix(line, " ") {
				last = strings.TrimSpace(line)
			}
		}
		if last != group {
			t.Errorf("%s --help has %s in %q, want %q", name, flag, last, group)
		}
	}
}

func TestJoined(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"one\ntwo\n\nthree\nfour", "one two\n\nthree four"},
		{"one:\n  two\n  three\nfour", "one:\n  two\n  three\nfour"},
		{"one:\n- two\n- three", "one:\n- two\n- three"},
	} {
		if got := joined(test.text); got != test.want {
			t.Errorf("joined(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"short", "short"},
		{"one two three", "one two\nthree"},
		{"  one two three", "  one two\n  three"},
		{"averyveryverylongword and", "averyveryverylongword and"},
		{"one\n\ntwo", "one\n\ntwo"},
		{"  one  two", "  one  two"},
	} {
		if got := wrap(test.text, 10); got != test.want {
			t.Errorf("wrap(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}
