package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
)

// TestTokenExpires pushes to a registry whose tokens, such as those of Docker Hub and
// ghcr.io, which last some minutes, expire in the middle of what is pushed.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	for name, requests := range map[string]string{
		"start of a layer": `^POST /v2/app/blobs/`,
		"layer":            `^PATCH /v2/app/blobs/`,
		"end of a layer":   `^PUT /v2/app/blobs/`,
		"manifest":         `^PUT /v2/app/manifests/`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newWorkshop(t)
			want := s.reference()
			s.target.reset()
			s.inspect.Store(expiring(regexp.MustCompile(requests)))
			s.checkBuilt(s.build(), want)
		})
	}
}

// expiring returns an inspector that wants tokens to push with, of which the first is
// no longer good for the requests that match.
func expiring(which *regexp.Regexp) *inspector {
	var issued atomic.Int64
	inspect := inspector(func(w http.ResponseWriter, req *http.Request, registry http.Handler) {
		token := req.Header.Get("Authorization")
		switch {
		case req.Host != "app.localhost":
			registry.ServeHTTP(w, req)
		case req.URL.Path == "/token":
			fmt.Fprintf(w, `{"token": "%d"}`, issued.Add(1))
		case token == "", token == "Bearer 1" && which.MatchString(req.Method+" "+req.URL.Path):
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://app.localhost/token",service="app"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			registry.ServeHTTP(w, req)
		}
	})
	return &inspect
}
