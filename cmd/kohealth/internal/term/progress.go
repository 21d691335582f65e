package term

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Progress is a line on a terminal that says what goes on, for what takes longer than
// people wait without asking. It stands below all that is written through its writers,
// and is gone when nothing goes on. It has no colours. A nil progress shows nothing.
type Progress struct {
	out   io.Writer
	width func() int // columns of the terminal

	mu      sync.Mutex
	tasks   []*task // in the order in which they first began
	line    string  // what stands on the terminal
	midLine bool    // the last writer has not ended its line
	timer   *time.Timer
	closed  bool
}

const (
	ShowAfter = time.Second
	timeAfter = 5 * time.Second // how long it takes is shown, too
	drawEvery = 100 * time.Millisecond
)

// IsLive reports whether somebody looks at f who sees a line change: it is a terminal, can
// overwrite a line, and is not a CI's.
func IsLive(f *os.File) bool {
	ci := os.Getenv("CI")
	return term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && (ci == "" || ci == "false")
}

// NewProgress returns what draws on f, or nil if nobody would look.
func NewProgress(f *os.File) *Progress {
	if !IsLive(f) {
		return nil
	}
	return &Progress{out: f, width: func() int {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 {
			return 80
		}
		return width
	}}
}

type progressKey struct{}

// WithProgress returns a context in which progress is shown.
func WithProgress(ctx context.Context, p *Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ProgressOf returns where the progress of what is done in a context is shown.
func ProgressOf(ctx context.Context) *Progress {
	p, _ := ctx.Value(progressKey{}).(*Progress)
	return p
}

// Begin says that something has begun: verb says what, name to what it is done. The
// same is done to several things side by side.
func (p *Progress) Begin(verb, name string) *activity {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.tasks, func(t *task) bool { return t.verb == verb })
	if i < 0 {
		i = len(p.tasks)
		p.tasks = append(p.tasks, &task{verb: verb})
	}
	a := &activity{Progress: p, task: p.tasks[i], name: name}
	a.task.begin(a, time.Now())
	if p.timer == nil && !p.closed {
		p.timer = time.AfterFunc(drawEvery, p.tick)
	}
	return a
}

func (p *Progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil { // stopped too late
		return
	}
	p.draw(describe(p.tasks, time.Now()))
	p.timer.Reset(drawEvery)
}

// settle clears the line if nothing goes on.
func (p *Progress) settle() {
	if slices.ContainsFunc(p.tasks, func(t *task) bool { return len(t.running) > 0 }) {
		return
	}
	p.draw("")
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// Close clears the line for good.
func (p *Progress) Close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.tasks = true, nil
	p.settle()
}

// draw puts a line in the place of the one that is there, and the cursor before it: what
// is written past the writers writes over it.
func (p *Progress) draw(line string) {
	room := p.width() - 1 // in the last column some terminals begin a new line
	line = fit(line, room)
	if line == p.line || p.midLine {
		return
	}
	past := max(0, min(columns(p.line), room)-columns(line))
	fmt.Fprintf(p.out, "\r%s%s\r", line, strings.Repeat(" ", past))
	p.line = line
}

// Writer returns what writes to f where the line would be in the way.
func (p *Progress) Writer(f *os.File) io.WriteCloser {
	if p == nil {
		return f
	}
	return &lineWriter{f, p}
}

type lineWriter struct {
	file     *os.File
	progress *Progress
}

// Close implements [io.Closer].
func (w *lineWriter) Close() error { return w.file.Close() }

// Write implements [io.Writer].
func (w *lineWriter) Write(data []byte) (int, error) {
	w.progress.mu.Lock()
	defer w.progress.mu.Unlock()
	w.progress.draw("")
	w.progress.midLine = len(data) > 0 && !bytes.HasSuffix(data, []byte("\n"))
	return w.file.Write(data)
}

// fit returns as much of a line as there is room for.
func fit(line string, room int) string {
	if columns(line) <= room {
		return line
	}
	for line != "" && columns(line)+columns("…") > room {
		_, size := utf8.DecodeLastRuneInString(line)
		line = line[:len(line)-size]
	}
	if line == "" {
		return ""
	}
	return line + "…"
}

// columns returns how many columns a line may take: beyond ASCII some terminals give a
// character two.
func columns(line string) (n int) {
	for _, r := range line {
		n++
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}
