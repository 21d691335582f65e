package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

// cmdSlow sets SLOW to a server by way of which all of the registry is there, but uploads
// take long to begin, and blobs to end: slow.
func cmdSlow(ts *testscript.TestScript, _ bool, _ []string) {
	target := must(url.Parse("http://" + ts.Getenv("REGISTRY")))
	registry := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost {
				time.Sleep(2 * term.ShowAfter)
			}
			if r.Request.Method == http.MethodGet && strings.Contains(r.Request.URL.Path, "/blobs/") {
				r.Body = &slowBody{r.Body}
			}
			return nil
		},
		FlushInterval: -1,
	}
	srv := httptest.NewServer(registry)
	ts.Defer(srv.Close)
	ts.Setenv("SLOW", strings.TrimPrefix(srv.URL, "http://"))
}

type slowBody struct{ io.ReadCloser }

// Read implements [io.Reader]: a few bytes first, and then nothing for long.
func (b *slowBody) Read(data []byte) (int, error) {
	n, err := b.ReadCloser.Read(data[:min(len(data), 1000)])
	if err != nil {
		time.Sleep(2 * term.ShowAfter)
	}
	return n, err
}
