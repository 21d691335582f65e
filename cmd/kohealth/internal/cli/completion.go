package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// CompleteFlags says what the values of a command's flags can be.
func CompleteFlags(cmd *cobra.Command, values map[string]cobra.CompletionFunc) {
	for name, complete := range values {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag is not there: a test would have told
		}
	}
}

// OneOf completes one of several words; what follows a tab is about the word.
func OneOf(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return Beginning(words, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// ListOf completes the last of several words that commas separate.
func ListOf(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) (list []string, _ cobra.ShellCompDirective) {
		head := typed[:strings.LastIndex(typed, ",")+1]
		for _, word := range words {
			if !slices.Contains(strings.Split(head, ","), word) {
				list = append(list, head+word)
			}
		}
		return Beginning(list, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// Beginning returns the words with a prefix. A word that a terminal would not show as it
// is may be meant to deceive.
func Beginning(words []string, prefix string) (list []string) {
	for _, word := range words {
		if strings.HasPrefix(word, prefix) && word == term.Output(word) {
			list = append(list, word)
		}
	}
	return list
}
