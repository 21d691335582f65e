package term

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A task is what is done to one or several things.
type task struct {
	verb        string
	running     []*activity
	since       time.Time // without pauses to speak of
	ended       time.Time
	done, total int64 // bytes; a total of 0 is unknown
}

func (t *task) begin(a *activity, now time.Time) {
	if len(t.running) == 0 && now.Sub(t.ended) >= ShowAfter {
		t.since, t.done, t.total = now, 0, 0
	}
	t.running = append(t.running, a)
}

// describe says what has gone on for long enough, or "" if nothing has.
func describe(tasks []*task, now time.Time) string {
	var parts []string
	for _, t := range tasks {
		if len(t.running) > 0 && now.Sub(t.since) >= ShowAfter {
			parts = append(parts, t.describe(now))
		}
	}
	return Line(strings.Join(parts, " · "))
}

// describe says such as "building app, worker 42s" or "pushing 1.2/3.4 MB".
func (t *task) describe(now time.Time) string {
	const most = 3
	var names []string
	for _, a := range t.running {
		if a.name != "" && !slices.Contains(names, a.name) {
			names = append(names, a.name)
		}
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	text := t.verb
	if len(names) > 0 {
		text += " " + strings.Join(names, ", ")
	}
	switch {
	case t.total > 0 && t.done <= t.total:
		text += fmt.Sprintf(" %.1f/%.1f MB", float64(t.done)/1e6, float64(t.total)/1e6)
	case t.done > 0:
		text += fmt.Sprintf(" %.1f MB", float64(t.done)/1e6)
	case now.Sub(t.since) >= timeAfter:
		text += " " + now.Sub(t.since).Truncate(time.Second).String()
	}
	return text
}

// An activity is a task of one thing. A nil activity is one that nobody watches.
type activity struct {
	*Progress
	task *task
	name string
}

// End says that it has ended; only the first time counts.
func (a *activity) End() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.task.running, a)
	if i < 0 {
		return
	}
	a.task.running = slices.Delete(a.task.running, i, i+1)
	a.task.ended = time.Now()
	a.settle()
}

// transferred says how many bytes more there are to transfer, and have been.
func (a *activity) transferred(expected, done int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.task.total += max(0, expected)
	a.task.done += done
}

// A transfers is a transport that shows what it transfers, and whom it waits for.
type transfers struct {
	*Progress
	http.RoundTripper
	down, up string // verbs
}

// Transport returns a transport whose transfers are shown.
func (p *Progress) Transport(next http.RoundTripper, down, up string) http.RoundTripper {
	if p == nil {
		return next
	}
	return &transfers{p, next, down, up}
}

// RoundTrip implements [http.RoundTripper].
func (t *transfers) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		defer t.Begin("waiting for", req.URL.Host).End()
	} else {
		req = req.WithContext(req.Context()) // a copy: requests must not be changed
		req.Body = t.watch(t.up, req.Body, req.ContentLength)
	}
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil && resp.Body != nil && req.Method != http.MethodHead {
		resp.Body = t.watch(t.down, resp.Body, resp.ContentLength)
	}
	return resp, err
}

// watch shows how much is read of a body.
func (t *transfers) watch(verb string, body io.ReadCloser, size int64) io.ReadCloser {
	a := t.Begin(verb, "")
	a.transferred(size, 0)
	return &watchedBody{body, a}
}

type watchedBody struct {
	io.ReadCloser
	activity *activity
}

// Read implements [io.Reader].
func (b *watchedBody) Read(data []byte) (int, error) {
	n, err := b.ReadCloser.Read(data)
	b.activity.transferred(0, int64(n))
	if err != nil {
		b.activity.End()
	}
	return n, err
}

// Close implements [io.Closer].
func (b *watchedBody) Close() error {
	b.activity.End()
	return b.ReadCloser.Close()
}
