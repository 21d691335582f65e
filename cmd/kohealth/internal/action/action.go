// Package action is the GitHub Action's part in the command: it turns inputs into a command
// line, runs that, and writes outputs, annotations and the job's summary.
package action

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/builder/why"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// inputsVariable holds the action's inputs, as GitHub's toJSON(inputs) writes them.
const inputsVariable = "INPUTS"

// New returns the command that action.yml runs: it builds what the action's
// inputs say, by one of the commands that newRoot returns, and tells the workflow what
// was built.
func New(newRoot func() *cobra.Command, whyOf func(ctx context.Context, target string) (why.Report, error)) *cobra.Command {
	return cli.OwnCodes(&cobra.Command{
		Use:    "action",
		Short:  "Build what the inputs of the GitHub Action say.",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := workflow{
				newRoot:   newRoot,
				whyOf:     whyOf,
				workspace: os.Getenv("GITHUB_WORKSPACE"),
				output:    os.Getenv("GITHUB_OUTPUT"),
				summary:   os.Getenv("GITHUB_STEP_SUMMARY"),
			}
			if w.output == "" {
				return cli.Usage(hint.With(errors.New("GITHUB_OUTPUT is not set"), "kohealth action is for action.yml, in a GitHub workflow"))
			}
			return w.run(cmd.Context(), os.Getenv(inputsVariable))
		},
	})
}

// A workflow is what GitHub gives to a step, and takes from it.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
type workflow struct {
	newRoot func() *cobra.Command // kohealth's commands
	whyOf   func(ctx context.Context, target string) (why.Report, error)

	workspace string // directory
	output    string // file
	summary   string // file; "" for none
}

// run does what the inputs say, and says what came of it.
func (w *workflow) run(ctx context.Context, text string) error {
	in, err := parseInputs(text)
	if err != nil {
		return w.fail(in, err)
	}
	if in.get(whyInput) != "" {
		return w.why(ctx, in)
	}
	r, err := w.build(ctx, in)
	if err != nil {
		return w.fail(in, err)
	}
	return errors.Join(w.annotate(r.Findings), w.setOutputs(r), w.summarize(in, r.summary()))
}

// fail says why nothing was built or published.
func (w *workflow) fail(in inputs, err error) error {
	findings := pipeline.FindingsOf(err)
	message := term.Error(err)
	if h := hint.Of(err); h != "" {
		message += "\n" + term.Line(h)
	}
	if err := errors.Join(w.annotate(findings), w.summarize(in, failureSummary(message, findings))); err != nil {
		log.Printf("warning: %v", err)
	}
	fmt.Printf("::error title=kohealth::%s\n", escapeData.Replace(message))
	return cli.Silently(err)
}

// build runs the command that the inputs stand for and returns what it built.
func (w *workflow) build(ctx context.Context, in inputs) (*Result, error) {
	if err := os.Chdir(in.get("working-directory")); err != nil {
		return nil, fmt.Errorf("input working-directory: %w", err)
	}
	dir, err := os.MkdirTemp(os.Getenv("RUNNER_TEMP"), "kohealth.action-*") // for the steps that follow
	if err != nil {
		return nil, err
	}
	metadataFile := filepath.Join(dir, "metadata.json")
	r := &Result{}
	if in.get("task-definition") != "" {
		r.taskDefinition = filepath.Join(dir, "task-definition.json")
	}
	args, err := in.commandLine(filepath.Join(dir, "sbom"), metadataFile, r.taskDefinition)
	if err != nil {
		return nil, err
	}
	env := in.environment()
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	if err := quietly(func() error { return w.execute(ctx, env, args) }); err != nil {
		return nil, in.named(err)
	}
	data, err := os.ReadFile(metadataFile)
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(data, &r.Metadata)
}

// execute runs a command of kohealth's, and shows it with the variables that are set for
// it, which are set already.
func (w *workflow) execute(ctx context.Context, env map[string]string, args []string) error {
	var variables string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		variables += name + "=" + quote.Shell(env[name]) + " "
	}
	cli.Say("$ %skohealth %s\n", variables, quote.ShellWords(args))
	root := w.newRoot()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// quietly has do print what it likes: the runner takes none of it for commands.
func quietly(do func() error) error {
	token := rand.Text()
	fmt.Printf("::stop-commands::%s\n", token)
	defer fmt.Printf("::%s::\n", token)
	return do()
}

// annotate shows findings beside the lines that they are about: GitHub knows files by
// their paths in the repository.
func (w *workflow) annotate(findings []lint.Finding) error {
	for i, f := range findings {
		if f.Line == 0 {
			continue // in an image
		}
		if path, err := filepath.Abs(f.File); err == nil {
			if rel, err := filepath.Rel(w.workspace, path); err == nil {
				findings[i].File = filepath.ToSlash(rel)
			}
		}
	}
	return lint.Write(os.Stdout, "github", "", findings)
}

// setOutputs sets the outputs of the step. Nothing in a value can end it: nobody knows
// the delimiter.
func (w *workflow) setOutputs(r *Result) error {
	outputs, err := r.Outputs()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, o := range outputs {
		delimiter := rand.Text()
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, delimiter, o.value, delimiter)
	}
	return appendFile(w.output, b.String())
}

// summarize adds to the job's summary, unless the inputs say otherwise.
func (w *workflow) summarize(in inputs, markdown string) error {
	if w.summary == "" || in.get("summary") == "false" {
		return nil
	}
	return appendFile(w.summary, markdown)
}

func appendFile(name, text string) (err error) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}

// escapeData escapes what follows a workflow command.
var escapeData = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
