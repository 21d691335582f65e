package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ko-health/kohealth/builder/lint"
)

// testRuleTable checks that docs/lint.md has lint's rules, each with its example from
// testdata/lint/rules.
func testRuleTable(t *testing.T) {
	var text strings.Builder
	text.WriteString("| rule | | |\n| --- | --- | --- |\n")
	for _, r := range lint.Rules() {
		fmt.Fprintf(&text, "| [`%s`](#%s) | %s | %s |\n", r.ID, r.ID, r.Severity, strings.ReplaceAll(r.Doc, "|", `\|`))
	}
	for _, r := range lint.Rules() {
		archive := must(txtar.ParseFile(filepath.Join(topDir, "testdata", "lint", "rules", r.ID+".txtar")))
		fmt.Fprintf(&text, "\n### %s\n\n%s ([source](%s))\n\n```diff\n%s```\n\n```text\n%s```\n",
			r.ID, r.Doc, r.Source, badAndGood(archive), file(archive, "want"))
	}
	checkSection(t, "rules", text.String())
}

// testFormatTable checks that docs/lint.md says what is read of every format, and which
// rules apply.
func testFormatTable(t *testing.T) {
	var text strings.Builder
	text.WriteString("| format | is known by | in a directory | what is read | what is not |\n| --- | --- | --- | --- | --- |\n")
	formats := lint.FileFormats()
	for _, f := range formats {
		_, name, _ := strings.Cut(f.Name, " ")
		files := strings.Join(f.Files, "` `")
		if files != "" {
			files = "`" + files + "`"
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", name, f.By, files, f.Read, f.Left)
	}
	text.WriteString("\nEvery rule applies to every format, but for these:\n\n| rule |")
	for _, f := range formats {
		_, name, _ := strings.Cut(f.Name, " ")
		text.WriteString(" " + name + " |")
	}
	text.WriteString("\n| --- |" + strings.Repeat(" --- |", len(formats)) + "\n")
	for _, r := range lint.Rules() {
		row, everywhere := fmt.Sprintf("| [`%s`](#%s) |", r.ID, r.ID), true
		for _, f := range formats {
			mark := "  "
			if r.AppliesTo(f) {
				mark = " ✓ "
			} else {
				everywhere = false
			}
			row += mark + "|"
		}
		if !everywhere {
			text.WriteString(row + "\n")
		}
	}
	checkSection(t, "formats", text.String())
}

// badAndGood returns the lines in which the bad and the good files of an example differ,
// below the line before them.
func badAndGood(a *txtar.Archive) (diff string) {
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, "bad/")
		if !ok {
			continue
		}
		bad, good := strings.SplitAfter(string(f.Data), "\n"), strings.SplitAfter(file(a, "good/"+name), "\n")
		same, before := 0, ""
		for ; same < min(len(bad), len(good)) && bad[same] == good[same]; same++ {
			before = " " + bad[same]
		}
		bad, good = bad[same:], good[same:]
		for len(bad) > 0 && len(good) > 0 && bad[len(bad)-1] == good[len(good)-1] {
			bad, good = bad[:len(bad)-1], good[:len(good)-1]
		}
		if len(bad)+len(good) > 0 {
			diff += before + marked("-", bad) + marked("+", good)
		}
	}
	return diff
}

// marked returns lines with a mark before each.
func marked(mark string, lines []string) (text string) {
	for _, line := range lines {
		text += mark + line
	}
	return text
}

// file returns the text of a file in an archive.
func file(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// testLintExample checks that README.md shows what lint says of the case that it was made
// for.
func testLintExample(t *testing.T) {
	_, found, ok := strings.Cut(document(t, "testdata/lint/err/seed.txtar"), "-- want --\n")
	if !ok {
		t.Fatal("the case has no findings")
	}
	checkSection(t, "lint", "```text\n$ kohealth lint task-definition.json\n"+found+"```\n")
}
