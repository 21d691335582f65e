package registry

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/limits"
)

// A bounded transport reads answers within their limits. Manifests, indexes and small
// blobs, such as configs, are read whole and, where they are asked for by digest, held
// against it: what was damaged on the way is asked for once more. Blobs that break off
// are taken up where they did.
type bounded struct {
	ctx     context.Context // of the process
	next    http.RoundTripper
	backoff time.Duration // before the second attempt
	read    atomic.Int64  // of manifests and the configs that they name
}

// Bounded returns a transport by way of next that reads answers within their limits.
// Waiting ends when ctx is done.
func Bounded(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return &bounded{ctx: ctx, next: next, backoff: 500 * time.Millisecond}
}

// RoundTrip implements [http.RoundTripper].
func (t *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return t.next.RoundTrip(req)
	}
	a := asked(req)
	backoff, damaged := t.backoff, false
	for attempt := int64(1); ; attempt++ {
		resp, err := t.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK || !a.whole(resp) {
			return t.stream(a, req, resp), nil
		}
		data, err := a.read(resp)
		if err == nil && a.kind == "manifests" {
			err = t.check(data)
		}
		switch {
		case err == nil && (damaged || a.intact(data)): // damaged twice: whoever asked says what is wrong
			return resp, nil
		case err == nil:
			damaged = true
		case limits.IsExceeded(err) || attempt == limits.Attempts.Max():
			return nil, err
		}
		if err := sleep(t.ctx, req.Context(), backoff); err != nil {
			return nil, err
		}
		backoff *= 2
	}
}

// stream bounds an answer that is not read whole here.
func (t *bounded) stream(a answer, req *http.Request, resp *http.Response) *http.Response {
	switch {
	case a.kind == "blobs" && resp.StatusCode == http.StatusOK && req.Header.Get("Range") == "":
		resp.Body = &resuming{ReadCloser: resp.Body, transport: t, req: req, backoff: t.backoff}
	case a.kind != "blobs":
		resp.Body = struct {
			io.Reader
			io.Closer
		}{limits.Answer.Reader(resp.Body), resp.Body}
	}
	return resp
}

// An answer is what a request asks for.
type answer struct {
	kind      string // manifests, blobs or something else
	reference string // a digest or a tag
}

var path = regexp.MustCompile(`^/v2/.+/(manifests|blobs)/([^/]+)$`)

// asked returns what a request asks for, or the one that has led to it by redirects.
func asked(req *http.Request) answer {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	if m := path.FindStringSubmatch(req.URL.Path); m != nil {
		return answer{m[1], m[2]}
	}
	return answer{}
}

// whole reports whether an answer is read before it is passed on.
func (a answer) whole(resp *http.Response) bool {
	small := resp.ContentLength >= 0 && resp.ContentLength <= limits.Config.Max()
	return a.kind == "manifests" || a.kind == "blobs" && small
}

// read reads an answer whole, and puts what it has read in the place of the body.
func (a answer) read(resp *http.Response) ([]byte, error) {
	limit := limits.Config
	if a.kind == "manifests" {
		limit = limits.Manifest
	}
	data, err := limit.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", a.reference, err)
	}
	return data, nil
}

// intact reports whether an answer has the digest by which it was asked for.
func (a answer) intact(data []byte) bool {
	want, err := v1.NewHash(a.reference)
	if err != nil {
		return true // a tag
	}
	h, err := v1.Hasher(want.Algorithm)
	if err != nil {
		return true
	}
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil)) == want.Hex
}

// check refuses a manifest or an index that exceeds a limit, or with which all of them
// do.
func (t *bounded) check(data []byte) error {
	size, err := limits.CheckManifest(data)
	if err == nil {
		err = limits.Descriptions.Check(t.read.Add(size))
	}
	if err != nil {
		return fmt.Errorf("reading manifest: %w", err)
	}
	return nil
}
