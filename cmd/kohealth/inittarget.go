package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/term"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/kofile"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
)

// An initTarget is the place in .ko.yaml where a check goes.
type initTarget struct {
	file  string
	data  []byte
	place kofile.Place
	check string // that is there, or ""

	disabled bool // there is to be no check
}

// newInitTarget finds where the check of an app is to be written: in builds[] if the app
// has an entry there, or if its module has other apps, and else for all images.
func newInitTarget(ctx context.Context, app *discover.App) (*initTarget, error) {
	t := &initTarget{file: files.ConfigFile("."), place: kofile.Place{Entry: kofile.Top}}
	if t.file == "" {
		t.file = ".ko.yaml"
	}
	if target, err := filepath.EvalSymlinks(t.file); err == nil {
		t.file = target // keeps the link
	}
	var err error
	if t.data, err = limits.Document.ReadFile(t.file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading health checks: %w", err)
	}
	file, err := health.ParseFile(t.file, t.data)
	if !health.IsYAML(t.file) {
		return nil, hint.With(fmt.Errorf("writing the check: %q is neither YAML nor JSON", t.file), "write the file as .ko.yaml, which ko reads, too")
	}
	if err != nil {
		return nil, err
	}
	t.place.Entry = kofile.Entry(file, ".", app.Dir)
	said := file.For(health.BuildID{})
	if t.place.Entry != kofile.Top {
		said = file.For(file.Builds()[t.place.Entry])
	} else if err := t.addEntry(ctx, app, file); err != nil {
		return nil, err
	}
	t.disabled = said.Disable != nil && *said.Disable
	if said.Test != nil {
		t.check = said.Test.String()
	}
	return t, nil
}

// addEntry has the check go into an entry of its own, if the app is not the only one, or is
// in a module of its own, whose directory ko has to be told.
func (t *initTarget) addEntry(ctx context.Context, app *discover.App, file health.File) error {
	main := below(".", app.Dir)
	if main == "" {
		return nil // ko finds entries below its own directory
	}
	module := cmp.Or(below(".", app.ModuleDir), ".")
	mains, err := app.Mains(ctx)
	if err != nil || len(mains) < 2 && module == "." {
		return err
	}
	t.place.ID = path.Base(app.Importpath)
	t.place.Main = asEntry(cmp.Or(below(app.ModuleDir, app.Dir), main))
	if module != "." {
		t.place.Dir = asEntry(module)
	}
	for _, b := range file.Builds() {
		if b.ID == t.place.ID {
			t.place.ID = strings.ReplaceAll(main, "/", "-")
		}
	}
	return nil
}

// below returns where dir is in base, with slashes, or "" if it is not in there.
func below(base, dir string) string {
	base, err := filepath.Abs(base)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(base, dir)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// asEntry returns a directory as an entry of builds names it: "" is its own.
func asEntry(dir string) string {
	if dir == "." {
		return ""
	}
	return "./" + dir
}

func (t *initTarget) with(test health.Test) ([]byte, error) {
	changed, err := kofile.Set(t.data, t.place, test)
	if err != nil {
		return nil, files.InFile(t.file, err)
	}
	return changed, nil
}

func (t *initTarget) shown() string { return filepath.ToSlash(t.file) }

// diff returns what a change of the file is.
func (t *initTarget) diff(changed []byte) string {
	text := string(diff.Diff(t.shown(), t.data, t.shown(), changed))
	_, text, _ = strings.Cut(text, "\n") // the command line of a diff that did not run
	return text
}

// Choices other than the number of a check: none, or to try the first one.
const (
	noCheck  = -1
	tryFirst = -2
)

// ask asks which of some checks is to be written.
func (t *initTarget) ask(ctx context.Context, stdin io.Reader, proposals []discover.Proposal) (chosen int, err error) {
	count := len(proposals)
	question, yes := "Write check 1 to "+t.shown()+"? [Y/n, t to try it", "y"
	switch {
	case t.check == proposals[0].Test.String():
		question, yes = t.shown()+" has check 1 already. Keep it? [Y/n, t to try it", "y"
	case t.check != "":
		question, yes = "Replace "+t.check+" in "+t.shown()+" by check 1? [y/N, t to try it", "n"
	case isAuto(proposals[0]):
		question, yes = "Write check 1 to "+t.shown()+"? It needs no writing [y/N, t to try it", "n"
	}
	if count > 1 {
		question += fmt.Sprintf(", or 1-%d", count)
	}
	for {
		cli.Say("%s] ", question)
		answer, err := readLine(ctx, stdin)
		if err != nil {
			return noCheck, err
		}
		answer = strings.ToLower(strings.TrimSpace(answer))
		if answer == "" {
			answer = yes
		}
		switch n, err := strconv.Atoi(answer); {
		case answer == "y" || answer == "yes":
			return 0, nil
		case answer == "n" || answer == "no":
			log.Printf("nothing is written")
			return noCheck, nil
		case answer == "t" || answer == "try":
			return tryFirst, nil
		case err == nil && n >= 1 && n <= count:
			return n - 1, nil
		}
		cli.Say("please answer y, n, t or the number of a check, not %q\n", answer)
	}
}

// readLine reads a line until the process is interrupted.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			line, err = line+"n", nil // nobody answers
		}
		read <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case r := <-read:
		return r.line, r.err
	}
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
