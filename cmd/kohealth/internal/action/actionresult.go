package action

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/escape"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// A Result is what the action has to say of what it built.
type Result struct {
	pipeline.Metadata
	taskDefinition string // file; "" for none
}

type output struct{ Name, value string }

// Outputs returns the outputs of the action. Those of one image are of the first.
func (r *Result) Outputs() ([]output, error) {
	first := r.Images[0] // there is always one
	images := map[string]string{}
	for _, image := range r.Images {
		images[image.ImportPath] = image.Image
	}
	list, err := json.Marshal(images)
	if err != nil {
		return nil, err
	}
	check := ""
	if first.ECS != nil {
		text, err := json.Marshal(first.ECS)
		if err != nil {
			return nil, err
		}
		check = string(text)
	}
	return []output{
		{"image", first.Image},
		{"images", string(list)},
		{"repository", first.Repository},
		{"digest", first.Digest},
		{"tags", strings.Join(first.Tags, "\n")},
		{"sbom-path", r.SBOMDir},
		{"health-check", check},
		{"task-definition", r.taskDefinition},
		{"version", r.Version},
	}, nil
}

// summary describes what was built, in Markdown.
func (r *Result) summary() string {
	var b strings.Builder
	for _, image := range r.Images {
		summarize(&b, image)
	}
	listFindings(&b, r.Findings)
	fmt.Fprintf(&b, "\n<sub>kohealth %s</sub>\n\n", inMarkdown(r.Version))
	return b.String()
}

func summarize(b *strings.Builder, m pipeline.ImageMetadata) {
	fmt.Fprintf(b, "### %s\n\n%s", inMarkdown(m.ImportPath), code(m.Image))
	for i, tag := range m.Tags {
		fmt.Fprintf(b, "%s%s", []string{", tags ", ", "}[min(i, 1)], code(tag))
	}
	b.WriteString("\n\n| platform | digest | compressed | of it added | |\n| --- | --- | ---: | ---: | --- |\n")
	for _, p := range m.Platforms {
		var size int64
		var what []string
		for _, l := range p.Added {
			size += l.Size
			what = append(what, fmt.Sprintf("%s (%s)", inMarkdown(l.Comment), fileCount(l.Files)))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", inMarkdown(p.Platform), code(p.Digest), bytesOf(p.Size), bytesOf(size), strings.Join(what, "<br>"))
	}
	b.WriteByte('\n')
	if m.HealthCheck != nil {
		fmt.Fprintf(b, "Health check: %s\n\n", describeConfig(*m.HealthCheck))
	}
	if m.ECSError != "" {
		fmt.Fprintf(b, "ECS: %s\n\n", inMarkdown(m.ECSError))
	}
}

func describeConfig(c health.Config) string {
	var test []string
	for _, arg := range c.Test {
		test = append(test, strconv.Quote(arg))
	}
	text := code("[" + strings.Join(test, ", ") + "]")
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"every", c.Interval}, {"timeout", c.Timeout}, {"start period", c.StartPeriod}} {
		if d.value != 0 {
			text += fmt.Sprintf(", %s %s", d.name, d.value)
		}
	}
	if c.Retries != 0 {
		text += fmt.Sprintf(", retries %d", c.Retries)
	}
	return text
}

func fileCount(files []string) string {
	if len(files) == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", len(files))
}

func bytesOf(n int64) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func listFindings(b *strings.Builder, findings []lint.Finding) {
	for _, f := range findings {
		fmt.Fprintf(b, "- **%s** %s: %s (%s)\n", f.Severity, code(f.File), inMarkdown(f.Message), code(f.Rule))
	}
}

// failureSummary says in Markdown why nothing was published.
func failureSummary(text string, findings []lint.Finding) string {
	var b strings.Builder
	b.WriteString("### kohealth failed\n\n<pre>")
	for line := range strings.Lines(text) {
		b.WriteString(inMarkdown(strings.TrimSuffix(line, "\n")) + "<br>")
	}
	b.WriteString("</pre>\n\n")
	listFindings(&b, findings)
	return b.String()
}

func code(s string) string { return "<code>" + inMarkdown(s) + "</code>" }

// inMarkdown makes text of what Markdown and HTML would take for more than that.
func inMarkdown(s string) string {
	var b strings.Builder
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	for _, r := range escape.Line(s) {
		switch {
		case strings.ContainsRune("!\"#$&'()*+;<=>?[\\]^_`{|}~", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
