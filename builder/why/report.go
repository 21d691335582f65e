package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/escape"
	"github.com/ko-health/kohealth/builder/lint"
)

// Formats returns the names of the formats in which a report can be written.
func Formats() []string { return []string{"text", "json"} }

// Write writes a report in a format: as text, the verdict is the first line.
func (r Report) Write(w io.Writer, format string) error {
	r = r.redacted()
	switch format {
	case "text":
		_, err := io.WriteString(w, escape.Lines(r.text()))
		return err
	case "json":
		return r.writeJSON(w)
	}
	return fmt.Errorf("unknown format %q: there are %s", format, strings.Join(Formats(), ", "))
}

// redacted returns the report without what is secret in commands.
func (r Report) redacted() Report {
	causes := make([]Diagnosis, len(r.Causes))
	for i, d := range r.Causes {
		d.Verdict, d.Fix = lint.Redact(d.Verdict), lint.Redact(d.Fix)
		causes[i] = d
	}
	r.Causes = causes
	return r
}

func (r Report) writeJSON(w io.Writer) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := w.Write(escape.JSON(text.Bytes()))
	return err
}

func (r Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", escape.Line(r.Subject), escape.Line(r.verdict()))
	for _, d := range r.Causes[min(1, len(r.Causes)):] {
		fmt.Fprintf(&b, "also: %s\n", escape.Line(d.line()))
	}
	if len(r.Evidence) > 0 {
		b.WriteString("\n")
	}
	for _, e := range r.Evidence {
		fmt.Fprintf(&b, "  %-20s  %s\n", e.when(), escape.Line(e.what()))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "  %-20s  %s\n", "not seen", escape.Line(m))
	}
	b.WriteString(r.fixes())
	return b.String()
}

// verdict says what is wrong in a line.
func (r Report) verdict() string {
	switch {
	case len(r.Causes) > 0:
		return r.Status + ": " + r.Causes[0].line()
	case r.Healthy:
		return r.Status
	}
	if r.said != "" {
		return r.Status + ": cannot tell why from what the check says: " + lint.Redact(r.said)
	}
	return r.Status + ": cannot tell why: " + tell
}

// tell says what would tell why.
const tell = "what the check writes when it fails, or the container's log, would; kohealth's probe writes why into both"

func (d Diagnosis) line() string {
	text := d.Verdict
	if d.Container != "" {
		text = d.Container + ": " + text
	}
	if d.more > 0 {
		text += fmt.Sprintf(" (and %d more of its kind)", d.more)
	}
	if d.Certainty == Certain {
		return fmt.Sprintf("%s [%s]", text, d.Cause)
	}
	return fmt.Sprintf("%s [%s, %s]", text, d.Cause, d.Certainty)
}

func (e Evidence) when() string {
	if e.Time == nil {
		return ""
	}
	return e.Time.Format(time.RFC3339)
}

func (e Evidence) what() string {
	if e.Container == "" {
		return e.Text
	}
	return e.Container + ": " + e.Text
}

// fixes writes what to do, each once.
func (r Report) fixes() string {
	var b strings.Builder
	told := map[string]bool{}
	for _, d := range r.Causes {
		if d.Fix == "" || told[d.Fix] {
			continue
		}
		if len(told) == 0 {
			b.WriteString("\nfix:\n")
		}
		told[d.Fix] = true
		for line := range strings.Lines(d.Fix) {
			fmt.Fprintf(&b, "    %s\n", escape.Line(strings.TrimSuffix(line, "\n")))
		}
	}
	return b.String()
}
