package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
)

// TestMounts checks that the base's layers are mounted from the base's repository, with
// ko's cache as without it, and that the images are the same.
func TestMounts(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
	}{
		{"ko alone", []string{"KOCACHE=", "KOHEALTH_NO_HEALTHCHECK=true"}},
		{"check", []string{"KOCACHE="}},
		{"no check with a cache", []string{"KOHEALTH_NO_HEALTHCHECK=true"}},
		{"check with a cache", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newWorkshop(t)
			first := s.build(append(test.env, "KO_DOCKER_REPO=base.localhost/first")...)
			mounts := s.recordMounts("second")
			second := s.build(append(test.env, "KO_DOCKER_REPO=base.localhost/second")...)
			if got := mounts(); !slices.Equal(got, []string{"base"}) {
				t.Errorf("mounted from %q, want from base once", got)
			}
			if strings.ReplaceAll(first.stdout, "/first@", "/second@") != second.stdout || second.code != cli.ExitOK {
				t.Errorf("first %q, second %q:\n%s", first.stdout, second.stdout, second.stderr)
			}
		})
	}
}

// recordMounts has the registries be such that a repository has none of another's blobs
// before they are mounted, and returns what is asked for, by the repository that it is
// asked from.
func (s *workshop) recordMounts(repo string) (from func() []string) {
	var mu sync.Mutex
	var mounts []string
	inspect := inspector(func(w http.ResponseWriter, req *http.Request, registry http.Handler) {
		query := req.URL.Query()
		switch blobs := strings.HasPrefix(req.URL.Path, "/v2/"+repo+"/blobs/"); {
		case blobs && req.Method == http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case blobs && req.Method == http.MethodPost && query.Has("mount"):
			mu.Lock()
			mounts = append(mounts, query.Get("from"))
			mu.Unlock()
			w.Header().Set("Location", "/v2/"+repo+"/blobs/"+query.Get("mount"))
			w.WriteHeader(http.StatusCreated)
		default:
			registry.ServeHTTP(w, req)
		}
	})
	s.inspect.Store(&inspect)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return mounts
	}
}
