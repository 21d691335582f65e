package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ko-health/kohealth/builder/escape"
)

// Formats returns the names of the formats in which findings can be written.
func Formats() []string { return []string{"text", "json", "sarif", "github"} }

// Write writes findings in a format. Version is kohealth's, for formats that say what
// made them.
func Write(w io.Writer, format, version string, findings []Finding) error {
	switch format {
	case "text":
		return writeText(w, findings)
	case "json":
		return writeJSON(w, findings)
	case "sarif":
		return writeJSON(w, newSARIF(version, findings))
	case "github":
		return writeGitHub(w, findings)
	}
	return fmt.Errorf("unknown format %q: there are %s", format, strings.Join(Formats(), ", "))
}

func writeJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escape.JSON(text.Bytes()))
	return err
}

// writeText writes a line for a finding and its fix below it, where the next finding
// of the container does not have the same.
func writeText(w io.Writer, findings []Finding) error {
	var b strings.Builder
	for i, f := range findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", escape.Line(f.where()), f.Severity, escape.Line(f.who()+f.Message), f.Rule)
		if f.Fix == "" || i+1 < len(findings) && findings[i+1].Fix == f.Fix && findings[i+1].Container == f.Container {
			continue
		}
		for line := range strings.Lines(f.Fix) {
			fmt.Fprintf(&b, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	_, err := io.WriteString(w, escape.Lines(b.String()))
	return err
}

func (f Finding) where() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

func (f Finding) who() string {
	if f.Container == "" {
		return ""
	}
	return f.Container + ": "
}

// writeGitHub writes annotations of a GitHub workflow. The lines of fixes are the only
// ones: the runner makes lines of %0A.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func writeGitHub(w io.Writer, findings []Finding) error {
	commands := []string{"notice", "warning", "error"}
	var b strings.Builder
	for _, f := range findings {
		var place string
		if f.Line > 0 {
			place = fmt.Sprintf("file=%s,line=%d,col=%d,", escapeProperty.Replace(escape.Line(f.File)), f.Line, f.Column)
		}
		message := f.who() + f.Message
		if f.Line == 0 {
			message = f.File + ": " + message
		}
		message = escape.Line(message)
		if f.Fix != "" {
			message += "\n" + escape.Lines(f.Fix)
		}
		fmt.Fprintf(&b, "::%s %stitle=%s::%s\n", commands[f.Severity], place, f.Rule, escapeData.Replace(message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
