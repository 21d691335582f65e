package action

import (
	"context"
	"os"
	"strings"

	"github.com/ko-health/kohealth/builder/why"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/process"
)

// whyInput is the action's input that has it say why what was deployed does not work.
const whyInput = "why"

// why says in the log and in the job's summary what is wrong with what the input names.
// The step fails only if that cannot be looked at: what has failed is the deployment.
func (w *workflow) why(ctx context.Context, in inputs) error {
	var report why.Report
	err := process.InTemporary(ctx, func() (err error) {
		report, err = w.whyOf(ctx, in.get(whyInput))
		return err
	})
	if err != nil {
		return w.fail(in, err)
	}
	var text strings.Builder
	if err := report.Write(&text, "text"); err != nil {
		return err
	}
	if err := quietly(func() error { return report.Write(os.Stdout, "text") }); err != nil {
		return err
	}
	return w.summarize(in, whySummary(text.String()))
}

// whySummary shows a report in Markdown.
func whySummary(text string) string {
	verdict, rest, _ := strings.Cut(text, "\n")
	var b strings.Builder
	b.WriteString("### kohealth why\n\n" + inMarkdown(verdict) + "\n\n<pre>")
	for line := range strings.Lines(strings.TrimSpace(rest)) {
		b.WriteString(inMarkdown(strings.TrimSuffix(line, "\n")) + "<br>")
	}
	b.WriteString("</pre>\n\n")
	return b.String()
}
