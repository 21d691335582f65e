package main

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

// A recorder is a registry in the process that knows what was pushed to it, and by
// whom. Its zero value has to be reset first.
type recorder struct {
	mu       sync.Mutex
	registry http.Handler
	paths    map[string]bool // of manifests and blobs, tagged or not
	agents   map[string]bool
}

// newRegistry returns a registry that writes no log.
func newRegistry() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}

// reset empties the registry.
func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registry = newRegistry()
	r.paths, r.agents = map[string]bool{}, map[string]bool{}
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.agents[req.UserAgent()] = true
	if req.Method == http.MethodPut {
		path, _, isBlob := strings.Cut(req.URL.Path, "/uploads/")
		if isBlob {
			path += "/" + req.URL.Query().Get("digest")
		}
		r.paths[path] = true
	}
	handler := r.registry
	r.mu.Unlock()
	handler.ServeHTTP(w, req)
}

// What a registry holds, and who asked for something.
type holdings struct {
	Manifests map[string]string // by path, such as /v2/app/manifests/latest
	Blobs     map[string]string // by digest; which repository they went to first is chance
	Agents    []string
}

// holdings returns what was pushed since the last reset.
func (r *recorder) holdings() holdings {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := holdings{map[string]string{}, map[string]string{}, slices.Sorted(maps.Keys(r.agents))}
	for path := range r.paths {
		answer := httptest.NewRecorder()
		r.registry.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK {
			continue // the upload failed
		}
		if _, digest, ok := strings.Cut(path, "/blobs/"); ok {
			h.Blobs[digest] = readable(answer.Body.Bytes())
		} else {
			h.Manifests[path] = answer.Body.String()
		}
	}
	return h
}
