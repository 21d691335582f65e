package layers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/ko-health/kohealth/layers"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// offline is a transport with which a request that leaves the process is an error.
var offline = layers.Transport(roundTripFunc(func(req *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s %s left the process", req.Method, req.URL)
}))

func reference(t *testing.T, s string, opts ...name.Option) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestTransportHost pulls the embedded base for this machine's own system.
func TestTransportHost(t *testing.T) {
	img, err := remote.Image(reference(t, layers.HostRef), remote.WithTransport(offline))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := config.Platform().String(), runtime.GOOS+"/"+runtime.GOARCH; got != want {
		t.Errorf("platform %s, want %s", got, want)
	}
}

func TestTransportPull(t *testing.T) {
	embedded, _ := static(t)
	want := digest(t, embedded)
	tests := []struct {
		name string
		ref  name.Reference
	}{
		{"https", reference(t, layers.StaticRef)},
		{"http", reference(t, layers.StaticRef, name.Insecure)},
		{"tag", reference(t, layers.StaticRef+":latest")},
		{"digest", reference(t, layers.StaticRef+"@"+want.String())},
		{"port", reference(t, "kohealth.local:5000/static")},
		{"capitals", reference(t, "KoHealth.Local/static")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			index, err := remote.Index(tt.ref, remote.WithTransport(offline))
			if err != nil {
				t.Fatal(err)
			}
			if got := digest(t, index); got != want {
				t.Errorf("digest = %v, want %v", got, want)
			}
		})
	}
}

func TestTransportPullIsWhole(t *testing.T) {
	index, err := remote.Index(reference(t, layers.StaticRef), remote.WithTransport(offline))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func TestTransportPullOnePlatform(t *testing.T) {
	for _, p := range layers.Platforms() {
		img, err := remote.Image(reference(t, layers.StaticRef), remote.WithTransport(offline), remote.WithPlatform(p))
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Platform(); !got.Equals(p) {
			t.Errorf("platform = %v, want %v", got, p)
		}
	}
}

func TestTransportHead(t *testing.T) {
	embedded, byPlatform := static(t)
	size, err := embedded.Size()
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Head(reference(t, layers.StaticRef), remote.WithTransport(offline))
	if err != nil {
		t.Fatal(err)
	}
	want := &v1.Descriptor{MediaType: types.OCIImageIndex, Size: size, Digest: digest(t, embedded)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("descriptor (-want +got):\n%s", diff)
	}
	child := reference(t, layers.StaticRef+"@"+digest(t, byPlatform["linux/s390x"]).String())
	if got, err := remote.Head(child, remote.WithTransport(offline)); err != nil || got.MediaType != types.OCIManifestSchema1 {
		t.Errorf("Head(%s) = %v, %v", child, got, err)
	}
}

func TestTransportBlob(t *testing.T) {
	_, byPlatform := static(t)
	manifest, err := byPlatform["linux/arm64"].Manifest()
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: offline}
	for _, want := range []v1.Descriptor{manifest.Config, manifest.Layers[0]} {
		url := "https://kohealth.local/v2/static/blobs/" + want.Digest.String()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			req, err := http.NewRequest(method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK || res.ContentLength != want.Size ||
				res.Header.Get("Content-Type") != string(want.MediaType) ||
				res.Header.Get("Docker-Content-Digest") != want.Digest.String() {
				t.Errorf("%s %s: %s, %d bytes, %v", method, url, res.Status, res.ContentLength, res.Header)
			}
			n, err := io.Copy(io.Discard, res.Body)
			if wantRead := map[string]int64{http.MethodGet: want.Size}[method]; err != nil || n != wantRead {
				t.Errorf("%s %s: read %d bytes, %v, want %d", method, url, n, err, wantRead)
			}
		}
	}
}

func TestTransportUnknown(t *testing.T) {
	tests := []struct {
		url  string
		code transport.ErrorCode
	}{
		{"https://kohealth.local/v2/base/manifests/latest", transport.NameUnknownErrorCode},
		{"https://kohealth.local/v2/static/manifests/v1", transport.ManifestUnknownErrorCode},
		{"https://kohealth.local/v2/static/manifests/sha256:" + strings.Repeat("0", 64), transport.ManifestUnknownErrorCode},
		{"https://kohealth.local/v2/static/blobs/sha256:" + strings.Repeat("0", 64), transport.BlobUnknownErrorCode},
		{"https://kohealth.local/v2/_catalog", transport.NameUnknownErrorCode},
		{"https://kohealth.local/", transport.NameUnknownErrorCode},
	}
	client := http.Client{Transport: offline}
	for _, tt := range tests {
		res, err := client.Get(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got *transport.Error
		if err := transport.CheckError(res, http.StatusOK); !errors.As(err, &got) {
			t.Fatalf("%s: %v", tt.url, err)
		}
		want := []transport.Diagnostic{{Code: tt.code, Message: "the only image here is kohealth.local/static:latest"}}
		if diff := cmp.Diff(want, got.Errors); diff != "" || got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, errors (-want +got):\n%s", tt.url, got.StatusCode, diff)
		}
	}
}

func TestTransportRefusesPush(t *testing.T) {
	for _, ref := range []string{layers.StaticRef, "kohealth.local/app:v1"} {
		err := remote.Write(reference(t, ref), empty.Image, remote.WithTransport(offline))
		want := "DENIED: kohealth.local is built into kohealth and read-only: push to another registry"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("pushing %s: error = %v, want it to contain %q", ref, err, want)
		}
	}
}

func TestTransportPassesOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.Method+" "+string(body))
	}))
	defer server.Close()
	client := http.Client{Transport: layers.Transport(http.DefaultTransport)}
	res, err := client.Post(server.URL, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "POST hello" {
		t.Errorf("response = %q, %v", got, err)
	}
}

func TestTransportPassesOnSimilarHosts(t *testing.T) {
	var got []string
	tr := layers.Transport(roundTripFunc(func(req *http.Request) (*http.Response, error) {
		got = append(got, req.URL.Host)
		return nil, errors.New("passed on")
	}))
	want := []string{"cgr.dev", "x.kohealth.local", "kohealth.local.example.com"}
	for _, host := range want {
		req, err := http.NewRequest(http.MethodGet, "https://"+host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.RoundTrip(req); err == nil {
			t.Errorf("%s was answered", host)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestTransportContext(t *testing.T) {
	client := http.Client{Transport: offline}
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://kohealth.local/v2/static/manifests/latest", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after cancel: error = %v, want %v", err, context.Canceled)
	}
	if res, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("request after cancel = %v, error = %v, want %v", res, err, context.Canceled)
	}
}

// The first requests come at once, before the base is made.
func TestTransportConcurrentPulls(t *testing.T) {
	tr := layers.Transport(nil)
	var wg sync.WaitGroup
	for _, p := range layers.Platforms() {
		wg.Go(func() {
			img, err := remote.Image(reference(t, layers.StaticRef), remote.WithTransport(tr), remote.WithPlatform(p))
			if err == nil {
				err = validate.Image(img)
			}
			if err != nil {
				t.Errorf("pulling for %v: %v", p, err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkTransportFirstAnswer(b *testing.B) {
	for b.Loop() {
		client := http.Client{Transport: layers.Transport(nil)}
		res, err := client.Get("https://kohealth.local/v2/static/manifests/latest")
		if err != nil {
			b.Fatal(err)
		}
		res.Body.Close()
	}
}
