// Package term prints. Whatever stands in a message is taken for somebody else's words,
// an image's, a file's or a server's, and is made fit for a terminal and a log: see
// [escape] and [Hide]. Only the format of a message has lines.
package term

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"golang.org/x/term"

	"github.com/ko-health/kohealth/builder/escape"
)

// Printf is [fmt.Fprintf] with every argument made fit for a place within a line. An
// error has the lines that [Error] gives it.
func Printf(w io.Writer, format string, args ...any) error {
	words := make([]any, len(args))
	for i, arg := range args {
		words[i] = word{arg}
	}
	_, err := io.WriteString(w, escape.Lines(Hide(fmt.Sprintf(format, words...))))
	return err
}

// Line returns somebody's words for a place within a line: without secrets, and fit for a
// terminal.
func Line(s string) string { return escape.Line(Hide(s)) }

// A word is an argument of a message.
type word struct{ any }

// Format implements [fmt.Formatter].
func (w word) Format(f fmt.State, verb rune) {
	if err, ok := w.any.(error); ok {
		_, _ = io.WriteString(f, Error(err))
		return
	}
	_, _ = io.WriteString(f, escape.Line(fmt.Sprintf(fmt.FormatString(f, verb), w.any)))
}

// indent begins every line of an error but the first, so that none can pass for a
// message of its own.
const indent = "    "

// Error returns the text of an error: a line for each that was joined, by [errors.Join],
// and for each that a program printed before it failed. All other ends of lines came with
// somebody's words.
func Error(err error) string {
	return strings.ReplaceAll(strings.TrimRight(Hide(lines(err)), "\n"), "\n", "\n"+indent)
}

func lines(err error) string {
	text := err.Error()
	if joined, ok := joinedLines(err); ok {
		return joined
	}
	if inner := errors.Unwrap(err); inner != nil {
		if before, ok := strings.CutSuffix(text, inner.Error()); ok {
			return escape.Line(before) + lines(inner)
		}
	}
	if errors.As(err, new(*exec.ExitError)) {
		return escape.Lines(text)
	}
	return escape.Line(text)
}

// joinedLines reports whether an error is one of [errors.Join], and returns its lines.
func joinedLines(err error) (string, bool) {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return "", false
	}
	var raw, safe []string
	for _, e := range many.Unwrap() {
		raw, safe = append(raw, e.Error()), append(safe, lines(e))
	}
	return strings.Join(safe, "\n"), strings.Join(raw, "\n") == err.Error()
}

// Log returns what a [log.Logger] is to write to: each message becomes one line on w.
func Log(w io.Writer) io.Writer { return &logWriter{w, Line} }

// Dump is Log for messages that have lines, all of which but the first are indented.
func Dump(w io.Writer) io.Writer {
	return &logWriter{w, func(text string) string {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		return strings.ReplaceAll(escape.Lines(Hide(text)), "\n", "\n"+indent)
	}}
}

type logWriter struct {
	io.Writer
	escape func(string) string
}

// Write implements [io.Writer].
func (l *logWriter) Write(message []byte) (int, error) {
	_, err := io.WriteString(l.Writer, l.escape(string(bytes.TrimRight(message, "\r\n")))+"\n")
	return len(message), err
}

// Results returns what a result is to be written to that reaches f by way of w. It has
// every byte as it is, but on a terminal, where only its lines and tabs are its own.
func Results(f *os.File, w io.WriteCloser) io.WriteCloser {
	if !term.IsTerminal(int(f.Fd())) {
		return w
	}
	return &shown{w}
}

type shown struct{ io.WriteCloser }

// Write implements [io.Writer].
func (s *shown) Write(data []byte) (int, error) {
	_, err := io.WriteString(s.WriteCloser, escape.Lines(string(data)))
	return len(data), err
}

// colours matches what sets colours and the like on a terminal: SGR, ECMA-48, 8.3.117.
var colours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// Output returns a line that a program wrote, without colours, which hardly anybody
// means for a pipe.
func Output(line string) string {
	fields := strings.Split(colours.ReplaceAllString(line, ""), "\t")
	for i, f := range fields {
		fields[i] = escape.Line(f)
	}
	return strings.Join(fields, "\t")
}
