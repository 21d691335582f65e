package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
)

// serve is a registry that has one image, from an OCI layout, under every name and tag. It
// returns the host, and what ends it.
func serve(layout string) (host string, stop func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var described struct {
			MediaType string
			Manifests []struct{ Digest string }
		}
		digest := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		manifest := strings.Contains(r.URL.Path, "/manifests/")
		if manifest && !strings.HasPrefix(digest, "sha256:") {
			index, err := os.ReadFile(filepath.Join(layout, "index.json"))
			if err != nil || json.Unmarshal(index, &described) != nil || len(described.Manifests) == 0 {
				http.NotFound(w, r)
				return
			}
			digest = described.Manifests[0].Digest
		}
		data, err := os.ReadFile(filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:")))
		switch {
		case r.URL.Path == "/v2/":
			return
		case err != nil:
			http.NotFound(w, r)
			return
		case manifest && json.Unmarshal(data, &described) == nil:
			w.Header().Set("Content-Type", described.MediaType)
			w.Header().Set("Docker-Content-Digest", digest)
		}
		_, _ = w.Write(data)
	}))
	return strings.TrimPrefix(server.URL, "http://"), server.Close
}
