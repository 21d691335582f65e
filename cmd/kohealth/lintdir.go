package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/walk"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// isTree reports whether an argument is a directory with files to lint, and no OCI layout.
func isTree(arg string) bool {
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return false
	}
	_, err = os.Stat(filepath.Join(arg, "oci-layout"))
	return err != nil
}

// A tally is what was found in a directory.
type tally struct {
	formats    []string // in the order in which they were found
	files      map[string]int
	containers int
	others     int // files of no format
}

// tree lints the files of a directory that may be of a format that lint reads.
func (l *linter) tree(ctx context.Context, dir string) (findings []lint.Finding, err error) {
	names, err := walk.Files(dir, patterns())
	if err != nil {
		return nil, err
	}
	t := &tally{files: map[string]int{}}
	var errs []error
	for _, name := range names {
		found, err := l.ofTree(ctx, name, t)
		findings, errs = append(findings, found...), append(errs, err)
	}
	cli.Say("%s: %s\n", dir, t)
	return findings, errors.Join(errs...)
}

// ofTree lints a file of a directory. One of no format is none of lint's.
func (l *linter) ofTree(ctx context.Context, name string, t *tally) ([]lint.Finding, error) {
	of := *l
	of.options.Read = t.add
	before := t.read()
	found, err := of.file(ctx, name)
	var looks *lint.LookalikeError
	switch {
	case errors.As(err, &looks):
		log.Printf("%s: not judged: %v", name, looks)
		return nil, nil
	case errors.Is(err, lint.ErrUnknown) && t.read() == before:
		t.others++
		return nil, nil
	}
	return found, err
}

// patterns returns the names of files that lint may read.
func patterns() (all []string) {
	for _, f := range lint.FileFormats() {
		all = append(all, f.Files...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (t *tally) add(f lint.Format, containers []lint.Container) {
	if t.files[f.Name] == 0 {
		t.formats = append(t.formats, f.Name)
	}
	t.files[f.Name]++
	for _, c := range containers {
		if c.Part == "" {
			t.containers++
		}
	}
}

// read returns how many formats were found in files.
func (t *tally) read() (n int) {
	for _, count := range t.files {
		n += count
	}
	return n
}

// String says what was judged.
func (t *tally) String() string {
	if len(t.formats) == 0 {
		return fmt.Sprintf("nothing that lint reads in %s", numbered(t.others, "file"))
	}
	parts := make([]string, len(t.formats))
	for i, name := range t.formats {
		_, noun, _ := strings.Cut(name, " ")
		parts[i] = numbered(t.files[name], noun)
	}
	text := fmt.Sprintf("judged %s with %s", strings.Join(parts, ", "), numbered(t.containers, "container"))
	if t.others > 0 {
		text += "; of no format that lint reads: " + numbered(t.others, "file")
	}
	return text
}

// nounEnd matches what follows a noun: nothing, or words such as "in JSON".
var nounEnd = regexp.MustCompile(`( (?:in|of) .*)?$`)

// numbered returns a number of things.
func numbered(n int, noun string) string {
	if n != 1 {
		noun = nounEnd.ReplaceAllString(noun, "s$1")
	}
	return fmt.Sprintf("%d %s", n, noun)
}
