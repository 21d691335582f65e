package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestFaults builds with registries that fail. kohealth says why, publishes nothing
// and leaves nothing behind, and the next build succeeds.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds scores of images: make test does")
	}
	t.Parallel()
	const (
		baseManifest = `^GET /v2/base/manifests/`
		baseBlob     = `^GET /v2/base/blobs/`
		push         = `^(POST|PATCH|PUT) /v2/app/`
		pushStart    = `^POST /v2/app/blobs/`
		pushBlob     = `^PATCH /v2/app/blobs/`
		pushCommit   = `^PUT /v2/app/blobs/`
		pushManifest = `^PUT /v2/app/manifests/`
		always       = 1 << 30
	)
	tests := []struct {
		name     string
		requests string // which requests, "GET /v2/app/…"
		times    int64  // how many of them
		fault    fault
		cause    string // that the error names; "" if it does no harm
	}{
		{"pull 500", baseManifest, always, status(500), `500 Internal Server Error`},
		{"pull 500 once", baseManifest, 1, status(500), ""},
		{"pull 429", baseManifest, always, status(429), `429 Too Many Requests`},
		{"pull 429, later", baseManifest, 1, retryAfter("1"), ""},
		{"pull 429, much later", baseManifest, always, retryAfter("3600"), `the limit for time that a server may ask to wait`},
		{"pull denied", baseManifest, always, status(403), `403 Forbidden`},
		{"pull without login", baseManifest, always, refuse(401, "UNAUTHORIZED"), `UNAUTHORIZED`},
		{"pull of nothing", baseManifest, always, refuse(404, "NAME_UNKNOWN"), `NAME_UNKNOWN`},
		{"pull of no JSON", baseManifest, always, lie, `invalid character`},
		{"pull cut", baseManifest, always, cut, `EOF`},
		{"pull of a layer, 500", baseBlob, always, status(500), `500 Internal Server Error`},
		{"pull of a layer, cut", baseBlob, always, cut, `EOF`},
		{"pull of a layer, cut once", baseBlob, 1, cut, ""},
		{"pull of a layer, wrong bytes once", baseBlob, 1, lie, ""},
		{"pull of a layer, wrong bytes", baseBlob, always, lie, `(?i)(error verifying|digest|checksum)`},

		{"push 500", push, always, status(500), `500 Internal Server Error`},
		{"push 500 twice", push, 2, status(500), ""},
		{"push 429", push, always, status(429), `429 Too Many Requests`},
		{"push 429, later", push, 1, retryAfter("1"), ""},
		{"push denied", push, always, refuse(403, "DENIED"), `DENIED`},
		{"push without login", push, always, refuse(401, "UNAUTHORIZED"), `UNAUTHORIZED`},
		{"push to nothing", push, always, refuse(404, "NAME_UNKNOWN"), `NAME_UNKNOWN`},
		{"push 500 of a layer", pushBlob, always, status(500), `500 Internal Server Error`},
		{"push cut", pushBlob, always, cut, `EOF|connection reset|broken pipe|use of closed`},
		{"push cut once", pushBlob, 1, cut, ""},
		{"push of a layer, at last", pushCommit, always, refuse(400, "DIGEST_INVALID"), `DIGEST_INVALID`},
		{"push of a manifest, 500", pushManifest, always, status(500), `500 Internal Server Error`},
		{"push of a manifest, denied", pushManifest, always, refuse(403, "DENIED"), `DENIED`},
		{"push of a manifest, cut", pushManifest, always, cut, `EOF|connection reset`},
		{"push, registry gone", pushStart, always, hangUp, `EOF|connection reset`},
	}
	want := newWorkshop(t).reference()
	var g errgroup.Group
	g.SetLimit(16) // most of the time is spent in waiting
	for _, tt := range tests {
		g.Go(func() error {
			t.Run(tt.name, func(t *testing.T) {
				s := newWorkshop(t)
				s.breakRequests(regexp.MustCompile(tt.requests), tt.times, tt.fault)
				if o := s.build(); tt.cause != "" {
					s.checkFailed(o, tt.cause)
					s.checkUntagged()
				} else {
					s.checkBuilt(o, want)
				}
				s.inspect.Store(nil)
				s.checkBuilt(s.build(), want)
			})
			return nil
		})
	}
	_ = g.Wait()
}

// A fault answers a request in the registry's place.
type fault = inspector

// breakRequests has the first of the matching requests fail, so many of them.
func (s *workshop) breakRequests(which *regexp.Regexp, times int64, f fault) {
	var n atomic.Int64
	inspect := inspector(func(w http.ResponseWriter, req *http.Request, registry http.Handler) {
		if which.MatchString(req.Method+" "+req.URL.Path) && n.Add(1) <= times {
			f(w, req, registry)
			return
		}
		registry.ServeHTTP(w, req)
	})
	s.inspect.Store(&inspect)
}

// status answers with a status and without a reason.
func status(code int) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(code) }
}

// retryAfter answers that there were too many requests, and when to come back.
func retryAfter(seconds string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// refuse answers with one of the error codes of OCI's distribution specification.
func refuse(status int, code string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"errors":[{"code":"`+code+`","message":"told by the registry"}]}`)
	}
}

// cut breaks the connection in the middle of whatever is transferred.
func cut(w http.ResponseWriter, req *http.Request, registry http.Handler) {
	if req.Method != http.MethodGet {
		_, _ = io.CopyN(io.Discard, req.Body, 10)
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	registry.ServeHTTP(answer, req)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hangUp breaks the connection at once.
func hangUp(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// lie answers with as many bytes as there should be, all of them wrong.
func lie(w http.ResponseWriter, req *http.Request, registry http.Handler) {
	answer := httptest.NewRecorder()
	registry.ServeHTTP(answer, req)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(bytes.Repeat([]byte("?"), answer.Body.Len()))
}
