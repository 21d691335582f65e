package apk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
)

// firstBackoff is how long a download waits before the second attempt.
const firstBackoff = 500 * time.Millisecond

// minBytes is how much has to come in the time in which a server may not stall: what
// drips would never end.
const minBytes = 64 << 10

// A fetcher downloads over HTTP.
type fetcher struct {
	client    http.Client
	logf      func(format string, args ...any)
	userAgent string
	backoff   time.Duration // before the second attempt
	stall     time.Duration // how long a server may take for minBytes
}

// A response is what a server has of a URL.
type response struct {
	body      []byte
	etag      string
	unchanged bool // since the ETag that was asked with; there is no body
}

// A statusError is an answer other than 200 and 304.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("the server answers %d %s", int(e), http.StatusText(int(e)))
}

// A refusal is an answer after which the server asks to be left alone for some time.
type refusal struct {
	statusError
	pause time.Duration
}

func (r *refusal) Unwrap() error { return r.statusError }

// errTooLong says that a server sends more than it may.
var errTooLong = errors.New("the server sends more than it should")

func tooLong(limit int64) error { return fmt.Errorf("%w: more than %d bytes", errTooLong, limit) }

// errDamaged says that what came is not what should have.
var errDamaged = errors.New("it was damaged on the way, or the server has something else")

// get downloads at most limit bytes, again if that may help. With an etag it asks whether
// there is something else.
func (f *fetcher) get(ctx context.Context, u *url.URL, user *url.Userinfo, etag string, limit int64) (*response, error) {
	return f.getChecked(ctx, u, user, etag, limit, func([]byte) error { return nil })
}

// getChecked is get of what check has nothing against. What it refuses is downloaded once
// more, and its error is then the caller's.
func (f *fetcher) getChecked(ctx context.Context, u *url.URL, user *url.Userinfo, etag string, limit int64, check func([]byte) error) (*response, error) {
	backoff := f.backoff
	var refused error // by check
	for attempt := int64(1); ; attempt++ {
		r, err := f.try(ctx, u, user, etag, limit)
		if err == nil && !r.unchanged {
			bad := check(r.body)
			if bad != nil && refused != nil {
				return nil, bad
			}
			if refused = bad; bad != nil {
				err = fmt.Errorf("%w: %w", errDamaged, bad)
			}
		}
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if attempt == limits.Attempts.Max() || !worthRepeating(err) {
			return nil, fmt.Errorf("downloading %s: %w", u, err)
		}
		f.logf("warning: downloading %s: %v; trying again", u, err)
		if err := sleep(ctx, max(backoff+rand.N(backoff), pauseOf(err))); err != nil {
			return nil, err
		}
		backoff *= 2
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// pauseOf returns how long a server has asked to wait.
func pauseOf(err error) time.Duration {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.pause
	}
	return 0
}

func worthRepeating(err error) bool {
	if limits.IsExceeded(err) {
		return false
	}
	var status statusError
	if errors.As(err, &status) {
		return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	}
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &certificate) && !errors.Is(err, errTooLong) && !errors.Is(err, errRedirect)
}

// errStalled is why a request is given up on whose server says nothing, or hardly anything.
var errStalled = errors.New("the server has stopped sending, or sends too slowly")

// errRedirect says that a server leads somewhere where nobody should follow.
var errRedirect = errors.New("the server redirects")

// checkRedirect keeps user and password from all but the first host, port included, where
// net/http also lets other ports and subdomains have them.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) == 10: // net/http's own limit
		return fmt.Errorf("%w more than 10 times", errRedirect)
	case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w from https to http", errRedirect)
	case req.URL.Host != via[0].URL.Host:
		req.Header.Del("Authorization")
	}
	return nil
}

func (f *fetcher) try(ctx context.Context, u *url.URL, user *url.Userinfo, etag string, limit int64) (*response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(f.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", f.userAgent)
	req.Header.Set("Accept-Encoding", "identity") // what is signed are the bytes of the file
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && etag != "":
		return &response{unchanged: true, etag: etag}, nil
	case resp.StatusCode != http.StatusOK:
		pause, err := limits.Pause(resp.Header, time.Now())
		if err != nil {
			return nil, fmt.Errorf("%w; %w", statusError(resp.StatusCode), err)
		}
		return nil, &refusal{statusError(resp.StatusCode), pause}
	case resp.ContentLength > limit:
		return nil, tooLong(limit)
	}
	body, err := read(resp.Body, limit, func() { watch.Reset(f.stall) })
	if err != nil {
		return nil, cause(ctx, err)
	}
	return &response{body: body, etag: resp.Header.Get("ETag")}, nil
}

// read reads at most limit bytes, and calls alive after every minBytes.
func read(r io.Reader, limit int64, alive func()) ([]byte, error) {
	recent := 0
	body, err := io.ReadAll(io.LimitReader(readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if recent += n; recent >= minBytes {
			recent = 0
			alive()
		}
		return n, err
	}), limit+1))
	if err == nil && int64(len(body)) > limit {
		err = tooLong(limit)
	}
	return body, err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// cause returns why a request has failed, without the URL: after a redirect it may hold
// secrets.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
