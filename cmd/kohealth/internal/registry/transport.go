// Package registry is how registries are talked to. A registry that says nothing is
// given up, what it asks to wait is waited, what breaks off is taken up where it broke
// off, and what it answers is read within the limits of package limits.
package registry

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
)

// Patient returns a transport by way of next that gives up a registry which says
// nothing, and leaves one alone that asks for it. Its requests end when ctx is done: ko
// gives those for base images that it caches a context of their own, which never is.
func Patient(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return newPatient(ctx, next, limits.Stall.Duration())
}

func newPatient(ctx context.Context, next http.RoundTripper, stall time.Duration) http.RoundTripper {
	return &polite{ctx: ctx, next: &patient{ctx: ctx, next: next, stall: stall}, until: map[string]time.Time{}}
}

// A StallError says that a registry neither sends nor takes anything. It is no timeout
// to go-containerregistry, which would begin again and wait as long as before.
type StallError struct {
	host  string
	after time.Duration
}

func (e *StallError) Error() string {
	return "the registry " + e.host + " has neither sent nor taken a byte for " + e.after.String()
}

// A patient transport gives up requests that get no further.
type patient struct {
	ctx   context.Context // of the process
	next  http.RoundTripper
	stall time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (t *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	watch := time.AfterFunc(t.stall, func() { cancel(&StallError{req.URL.Host, t.stall}) })
	begin, pause := func() { watch.Reset(t.stall) }, func() { watch.Stop() }
	end := sync.OnceFunc(func() {
		stop()
		watch.Stop()
		cancel(nil)
	})
	sent := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		sent.Body = &watched{ReadCloser: req.Body, ctx: ctx, before: pause, after: begin, end: func() {}} // the rest of the time it is sent
	}
	resp, err := t.next.RoundTrip(sent)
	if err != nil {
		err = cause(ctx, err)
		end()
		return nil, err
	}
	pause()
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, before: begin, after: pause, end: end}
	return resp, nil
}

// cause returns why a request was ended, or else err.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// A watched body says when it is read, and when it is not needed any more.
type watched struct {
	io.ReadCloser
	ctx                context.Context
	before, after, end func()
}

// Read implements [io.Reader].
func (b *watched) Read(p []byte) (int, error) {
	b.before()
	n, err := b.ReadCloser.Read(p)
	b.after()
	if err != nil && err != io.EOF {
		err = cause(b.ctx, err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *watched) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// A polite transport leaves a registry alone for as long as it asks. Whoever is refused
// comes back: go-containerregistry does.
type polite struct {
	ctx  context.Context // of the process
	next http.RoundTripper

	mu    sync.Mutex
	until map[string]time.Time // by host
}

// RoundTrip implements [http.RoundTripper].
func (t *polite) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := sleep(t.ctx, req.Context(), time.Until(t.untilOf(req.URL.Host))); err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return resp, err
	}
	pause, err := limits.Pause(resp.Header, time.Now())
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until[req.URL.Host] = time.Now().Add(pause)
	return resp, nil
}

func (t *polite) untilOf(host string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until[host]
}

// sleep waits for some time, unless the process or the request ends before.
func sleep(process, request context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-process.Done():
		return context.Cause(process)
	case <-request.Done():
		return context.Cause(request)
	}
}
