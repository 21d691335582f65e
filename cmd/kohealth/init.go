package main

import (
	"bufio"
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
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/kofile"
	"github.com/ko-health/kohealth/layers/cache"
)

// initFlags are the flags of kohealth init.
type initFlags struct {
	yes       bool
	overwrite bool
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [IMPORTPATH]",
		Short: "Find the health check that suits an app in its source, and write it into .ko.yaml.",
		Long: `Find the health check that suits an app in its source, and write it into .ko.yaml.

The main package (the one in the working directory, if none is named) and what its
module has are read: where does the app listen, which of its routes are about health,
which variables and flags decide. Nothing is run. The checks that suit are printed,
best first, each with the places in the source that speak for it, and then what would
change in .ko.yaml. On a terminal kohealth asks before it writes; elsewhere it writes
with --yes only. Comments and everything else in the file stay as they are.

Exits with 0, also if there is nothing to write, 2 if the command line is wrong, and 3
if something could not be done.`,
		Example: `
  # What suits the app in this directory?
  kohealth init

  # Write the best one into .ko.yaml.
  kohealth init --yes ./cmd/app`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			importpath := "."
			if len(args) > 0 {
				importpath = args[0]
			}
			return f.run(cmd.Context(), cmd.InOrStdin(), strings.TrimPrefix(importpath, "ko://"))
		},
	}
	cmd.ValidArgsFunction = completeMains
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "write the best check without asking")
	cmd.Flags().BoolVar(&f.overwrite, "overwrite", false, "with --yes: put it in the place of a check that is there")
	return ownCodes(cmd)
}

func (f *initFlags) run(ctx context.Context, stdin io.Reader, importpath string) error {
	reading := progressOf(ctx).begin("reading", importpath)
	app, err := discover.Load(ctx, "", importpath)
	reading.end()
	if errors.Is(err, discover.ErrNoMain) {
		return hint.With(err, mainsHint())
	}
	if err != nil {
		return err
	}
	if app.Broken != nil {
		log.Printf("warning: the source does not compile, and what depends on this is unknown: %v", app.Broken)
	}
	proposals := app.Proposals()
	if err := printResult(describeApp(app, proposals)); err != nil {
		return err
	}
	if len(proposals) == 0 || proposals[0].Test.String() == health.DefaultTest {
		return nil // which is what an image gets that nothing is written for
	}
	t, err := newInitTarget(ctx, app)
	if err != nil {
		return err
	}
	return f.write(ctx, stdin, t, proposals)
}

// write writes the check that is chosen.
func (f *initFlags) write(ctx context.Context, stdin io.Reader, t *initTarget, proposals []discover.Proposal) error {
	if t.disabled {
		log.Printf("%s has disable: true for this app: there is nothing to change", t.shown())
		return nil
	}
	chosen := 0
	if t.check == proposals[chosen].Test.String() {
		log.Printf("%s has this check already: there is nothing to change", t.shown())
		return nil
	}
	changed, err := t.with(proposals[chosen].Test)
	if err != nil {
		return err
	}
	if err := printResult(t.diff(changed)); err != nil {
		return err
	}
	switch ask := isTerminal(stdin); {
	case t.check != "" && f.yes && !f.overwrite:
		log.Printf("%s has another check, %s, which stays: --overwrite replaces it", t.shown(), t.check)
		return nil
	case f.yes:
	case !ask:
		log.Printf("nothing is written: --yes writes it, and so does an answer on a terminal")
		return nil
	default:
		if chosen, err = t.ask(ctx, stdin, len(proposals)); err != nil || chosen < 0 {
			return err
		}
		if changed, err = t.with(proposals[chosen].Test); err != nil {
			return err
		}
	}
	if err := cache.WriteFile(t.file, changed); err != nil {
		return fmt.Errorf("writing %q: %w", t.file, err)
	}
	log.Printf("%s now has %s; kohealth try shows whether it passes", t.shown(), proposals[chosen].Test)
	return nil
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

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
	t := &initTarget{file: configFile("."), place: kofile.Place{Entry: kofile.Top}}
	if t.file == "" {
		t.file = ".ko.yaml"
	}
	if target, err := filepath.EvalSymlinks(t.file); err == nil {
		t.file = target // keeps the link
	}
	var err error
	if t.data, err = os.ReadFile(t.file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading health checks: %w", err)
	}
	file, err := health.ParseFile(t.file, t.data)
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

// addEntry has the check go into an entry of its own, if the app is not the only one.
func (t *initTarget) addEntry(ctx context.Context, app *discover.App, file health.File) error {
	dir, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	main, err := filepath.Rel(dir, app.Dir)
	if err != nil || main == "." || strings.HasPrefix(main, "..") {
		return nil // ko finds entries below its own directory
	}
	mains, err := app.Mains(ctx)
	if err != nil || len(mains) < 2 {
		return err
	}
	t.place.ID, t.place.Main = path.Base(app.Importpath), "./"+filepath.ToSlash(main)
	for _, b := range file.Builds() {
		if b.ID == t.place.ID {
			t.place.ID = strings.ReplaceAll(filepath.ToSlash(main), "/", "-")
		}
	}
	return nil
}

func (t *initTarget) with(test health.Test) ([]byte, error) {
	changed, err := kofile.Set(t.data, t.place, test)
	if err != nil {
		return nil, inFile(t.file, err)
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

// ask asks which of some checks is to be written; chosen is -1 for none.
func (t *initTarget) ask(ctx context.Context, stdin io.Reader, count int) (chosen int, err error) {
	question, yes := "Write check 1 to "+t.shown()+"? [Y/n", "y"
	if t.check != "" {
		question, yes = "Replace "+t.check+" in "+t.shown()+" by check 1? [y/N", "n"
	}
	if count > 1 {
		question += fmt.Sprintf(", or 1-%d", count)
	}
	for {
		fmt.Fprint(os.Stderr, question+"] ")
		answer, err := readLine(ctx, stdin)
		if err != nil {
			return -1, err
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
			return -1, nil
		case err == nil && n >= 1 && n <= count:
			return n - 1, nil
		}
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

// describeApp says which checks suit an app and why, or what was looked at in vain.
func describeApp(app *discover.App, proposals []discover.Proposal) string {
	var b strings.Builder
	if len(proposals) == 0 {
		fmt.Fprintf(&b, "%s listens on no address that its source tells of. What was read of its module:\n", app.Importpath)
		for _, pkg := range app.Packages {
			fmt.Fprintf(&b, "   %s\n", pkg)
		}
		b.WriteString(`
If it is a server all the same, leave .ko.yaml as it is: the check is auto, which finds the ports by itself.
If it is a worker, have it touch a file as long as all is well, and check that:

healthcheck:
  test: file:///tmp/alive?max_age=60s
`)
		return b.String()
	}
	fmt.Fprintf(&b, "Checks for %s, best first:\n", app.Importpath)
	for i, p := range proposals {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, p.Test)
		for _, e := range p.Evidence {
			fmt.Fprintf(&b, "   %s: %s\n", e.Position, e.Source)
		}
		for _, note := range p.Notes {
			fmt.Fprintf(&b, "   note: %s\n", note)
		}
	}
	if proposals[0].Test.String() == health.DefaultTest {
		b.WriteString("\nWhere it listens is not known from its source. Without a word in .ko.yaml the check is auto, which finds out.\n")
		return b.String()
	}
	b.WriteString("\n")
	return b.String()
}
