package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/limits"
)

// A resuming body is one of a blob that goes on where it breaks off. Whoever reads it
// holds the whole against its digest.
type resuming struct {
	io.ReadCloser
	transport *bounded
	req       *http.Request
	backoff   time.Duration
	read      int64
	resumed   int64
}

// Read implements [io.Reader].
func (b *resuming) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if resuming := b.resume(); resuming != nil {
		return n, err // which says more
	}
	return n, nil
}

// resume asks for the rest.
func (b *resuming) resume() error {
	ctx := b.req.Context()
	if b.resumed++; b.resumed >= limits.Attempts.Max() {
		return limits.Attempts.Exceeded()
	}
	if err := sleep(b.transport.ctx, ctx, b.backoff); err != nil {
		return err
	}
	b.backoff *= 2
	_ = b.ReadCloser.Close()
	req := b.req.Clone(ctx)
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", b.read))
	resp, err := b.transport.next.RoundTrip(req)
	if err != nil {
		return err
	}
	b.ReadCloser = resp.Body
	switch from := fmt.Sprintf("bytes %d-", b.read); {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), from):
		return nil
	case resp.StatusCode == http.StatusOK: // it knows no ranges
		_, err := io.CopyN(io.Discard, resp.Body, b.read)
		return err
	}
	return fmt.Errorf("the registry answers %s", resp.Status)
}
