package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/layers/cache"
)

// initFlags are the flags of kohealth init.
type initFlags struct {
	yes       bool
	overwrite bool
	try       bool
	prover    prover
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [IMPORTPATH] [-- ARG...]",
		Short: "Find the health check that suits an app in its source, and write it into .ko.yaml.",
		Long: `Find the health check that suits an app in its source, and write it into .ko.yaml.

The main package (the one in the working directory, if none is named) and what its
module has are read: where does the app listen, which of its routes are about health,
which variables and flags decide. The checks that suit are printed,
best first, each with the places in the source that speak for it, and then what would
change in .ko.yaml. On a terminal kohealth asks before it writes; elsewhere it writes
with --yes only. A check for which the source says too little is marked as weak, with
the reason: it comes behind auto, and only a person can choose it. Comments and
everything else in the file stay as they are.

With --try the app is built and run, as kohealth try does, with the best check and with
auto, and the check is only written if it passes. Where auto is the best, it is written with
the ports that the app had, as in auto:8080: an app that loses one is unhealthy. On a terminal
the answer t tries the best check.

Exits with 0, also if there is nothing to write, 2 if the command line is wrong, and 3
if something could not be done.`,
		Example: `
  # What suits the app in this directory?
  kohealth init

  # Write the best one into .ko.yaml.
  kohealth init --yes ./cmd/app

  # Write it if it passes, with a variable that the app needs.
  kohealth init --yes --try -e DATABASE_URL ./cmd/app`,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, f.prover.args = splitAtDash(cmd, args)
			if err := cobra.MaximumNArgs(1)(cmd, args); err != nil {
				return cli.Usage(err)
			}
			importpath := "."
			if len(args) > 0 {
				importpath = args[0]
			}
			f.prover.importpath = importpath
			return process.InTemporary(cmd.Context(), func() error {
				return f.run(cmd.Context(), cmd.InOrStdin(), strings.TrimPrefix(importpath, "ko://"))
			})
		},
	}
	cmd.ValidArgsFunction = completeMains
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "write the best check without asking")
	cmd.Flags().BoolVar(&f.try, "try", false, "run the app, and write the check only if it passes")
	cmd.Flags().StringArrayVarP(&f.prover.env, "env", "e", nil, "with --try: NAME=VALUE for the app, or NAME for the value that it has here; may be repeated")
	cmd.Flags().BoolVar(&f.overwrite, "overwrite", false, "with --yes: replace a check that is there")
	return cli.OwnCodes(cmd)
}

func (f *initFlags) run(ctx context.Context, stdin io.Reader, importpath string) error {
	app, err := loadApp(ctx, importpath)
	if err != nil {
		return err
	}
	if app.Broken != nil {
		log.Printf("warning: the source does not compile, and what depends on this is unknown: %v", app.Broken)
	}
	files.NoteUnread(".")
	proposals := app.Proposals()
	if err := files.PrintWords(describeApp(app, proposals)); err != nil {
		return err
	}
	if len(proposals) == 0 || isAuto(proposals[0]) && !f.try && (f.yes || len(proposals) == 1 || !isTerminal(stdin)) {
		return nil // which is what an image gets that nothing is written for
	}
	t, err := newInitTarget(ctx, app)
	if err != nil {
		return err
	}
	return f.write(ctx, stdin, t, proposals)
}

// loadApp reads the app that an argument names. A directory of another module is read
// in that: builds[] of .ko.yaml can have one.
func loadApp(ctx context.Context, importpath string) (*discover.App, error) {
	if strings.HasSuffix(importpath, ".go") {
		return nil, hint.With(fmt.Errorf("%q is a file", importpath), pipeline.PackageHint(importpath))
	}
	defer term.ProgressOf(ctx).Begin("reading", importpath).End()
	// Most of what is read stays until the end. Looking for garbage all the time would
	// take a quarter of the processor time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(512 << 20))
	dir, inModule := pipeline.ModuleOf(importpath)
	app, err := discover.Load(ctx, dir, inModule)
	if err != nil && ctx.Err() == nil {
		return nil, hint.With(err, pipeline.PackageHint(importpath))
	}
	if err != nil {
		return nil, err
	}
	return app, pipeline.CheckMeant(importpath, app.Dir)
}

// write writes the check that is chosen.
func (f *initFlags) write(ctx context.Context, stdin io.Reader, t *initTarget, proposals []discover.Proposal) error {
	if t.disabled {
		log.Printf("%s has disable: true for this app: there is nothing to change", t.shown())
		return nil
	}
	if f.try {
		proven, err := f.prover.proves(ctx, proposals[0].Test.String(), proposals)
		if err != nil || proven == "" {
			return err
		}
		test, err := health.ParseTest(proven)
		if err != nil {
			return err
		}
		if test.String() != proposals[0].Test.String() {
			proposals = []discover.Proposal{{Test: test}}
		}
	}
	if isAuto(proposals[0]) { // a person may know better
		return f.writeChosen(ctx, stdin, t, proposals)
	}
	test := proposals[0].Test
	if t.check == test.String() && (f.yes || len(proposals) == 1 || !isTerminal(stdin)) {
		log.Printf("%s has this check already: there is nothing to change", t.shown())
		return nil
	}
	changed, err := t.with(test)
	if err != nil {
		return err
	}
	if err := files.PrintWords(t.diff(changed)); err != nil {
		return err
	}
	switch {
	case t.check != "" && f.yes && !f.overwrite:
		log.Printf("%s has another check, %s, which stays: --overwrite replaces it", t.shown(), t.check)
		return nil
	case f.yes:
	case !isTerminal(stdin):
		log.Printf("nothing is written: --yes writes it, and so does an answer on a terminal")
		return nil
	default:
		return f.writeChosen(ctx, stdin, t, proposals)
	}
	return t.write(changed, test)
}

// writeChosen writes the check that a person chooses.
func (f *initFlags) writeChosen(ctx context.Context, stdin io.Reader, t *initTarget, proposals []discover.Proposal) error {
	chosen, err := t.ask(ctx, stdin, proposals)
	for err == nil && chosen == tryFirst {
		if _, err = f.prover.proves(ctx, proposals[0].Test.String(), proposals); err == nil {
			chosen, err = t.ask(ctx, stdin, proposals)
		}
	}
	if err != nil || chosen < 0 {
		return err
	}
	test := proposals[chosen].Test
	if t.check == test.String() {
		log.Printf("%s keeps its check", t.shown())
		return nil
	}
	changed, err := t.with(test)
	if err != nil {
		return err
	}
	return t.write(changed, test)
}

func isAuto(p discover.Proposal) bool { return p.Test.String() == health.DefaultTest }

func (t *initTarget) write(changed []byte, test health.Test) error {
	if err := cache.WriteFile(t.file, changed); err != nil {
		return fmt.Errorf("writing %q: %w", t.file, err)
	}
	log.Printf("%s now has %s; kohealth try shows whether it passes", t.shown(), test)
	return nil
}

// describeApp says which checks suit an app and why, or what was looked at in vain.
func describeApp(app *discover.App, proposals []discover.Proposal) string {
	var b strings.Builder
	if len(proposals) == 0 {
		_ = term.Printf(&b, "No listen address found in %s. These packages of its module were read:\n", app.Importpath)
		for _, pkg := range app.Packages {
			_ = term.Printf(&b, "   %s\n", pkg)
		}
		b.WriteString(`
If it is a server all the same, leave .ko.yaml as it is: the check is auto, which finds the ports by itself.
If it is a worker, have it touch a file as long as all is well, and check that:

healthcheck:
  test: file:///tmp/alive?max_age=60s
`)
		return b.String()
	}
	_ = term.Printf(&b, "Checks for %s, best first:\n", app.Importpath)
	for i, p := range proposals {
		_ = term.Printf(&b, "\n%d. %s\n", i+1, p.Test)
		for _, e := range p.Evidence {
			_ = term.Printf(&b, "   %s: %s\n", e.Position, e.Source)
		}
		for _, note := range p.Notes {
			_ = term.Printf(&b, "   note: %s\n", note)
		}
		for _, reason := range p.Weak {
			_ = term.Printf(&b, "   weak: %s\n", reason)
		}
	}
	if proposals[0].Test.String() == health.DefaultTest {
		b.WriteString("\nThe source does not say enough for a better check. Without a word in .ko.yaml the check is auto, which finds the ports.\n")
		return b.String()
	}
	b.WriteString("\n")
	return b.String()
}
