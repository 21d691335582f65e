package layers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// StaticHost is the registry host that never leaves the process.
const StaticHost = "kohealth.local"

// StaticRef is the reference of the embedded base, as users write it in flags and
// .ko.yaml. It has no tag, because there is only one, which clients add: latest.
const StaticRef = StaticHost + "/" + staticRepo

const staticRepo = "static"

// HostRef is the reference of the embedded base for this machine's own system, such as
// macOS: for programs that are to run here, and not in a container.
const HostRef = StaticRef + ":" + hostTag

const hostTag = "host"

// Transport answers requests to [StaticHost] from the embedded base and passes all
// others to next. Nothing for StaticHost ever opens a socket, whatever the scheme and
// the port. The base is made when it is first asked for, and once.
//
// The answers are those of a read-only registry:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pull
func Transport(next http.RoundTripper) http.RoundTripper {
	return &staticTransport{next: next, resources: sync.OnceValues(staticResources)}
}

type staticTransport struct {
	next      http.RoundTripper
	resources func() (map[string]resource, error)
}

// RoundTrip implements [http.RoundTripper].
func (t *staticTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.EqualFold(req.URL.Hostname(), StaticHost) {
		return t.next.RoundTrip(req)
	}
	if req.Body != nil {
		req.Body.Close() // a RoundTripper must; what it holds is refused anyway
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return t.answer(req)
}

func (t *staticTransport) answer(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return refusal(req, http.StatusForbidden, transport.DeniedErrorCode,
			"%s is built into kohealth and read-only: push to another registry", StaticHost)
	}
	if req.URL.Path == "/v2/" {
		return response(req, http.StatusOK, bytesResource("application/json", []byte("{}")))
	}
	key, ok := strings.CutPrefix(req.URL.Path, "/v2/"+staticRepo+"/")
	if !ok {
		return notFound(req, transport.NameUnknownErrorCode)
	}
	resources, err := t.resources()
	if err != nil {
		return nil, err
	}
	if res, ok := resources[key]; ok {
		return response(req, http.StatusOK, res)
	}
	if strings.HasPrefix(key, "blobs/") {
		return notFound(req, transport.BlobUnknownErrorCode)
	}
	return notFound(req, transport.ManifestUnknownErrorCode)
}

func notFound(req *http.Request, code transport.ErrorCode) (*http.Response, error) {
	return refusal(req, http.StatusNotFound, code, "the only image here is %s:latest", StaticRef)
}

// refusal answers with an error in the form that registries share:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
func refusal(req *http.Request, status int, code transport.ErrorCode, format string, args ...any) (*http.Response, error) {
	body, err := json.Marshal(map[string][]transport.Diagnostic{
		"errors": {{Code: code, Message: fmt.Sprintf(format, args...)}},
	})
	if err != nil {
		return nil, err
	}
	return response(req, status, bytesResource("application/json", body))
}

// response answers with the resource; without its content if only asked for the head.
func response(req *http.Request, status int, res resource) (*http.Response, error) {
	header := http.Header{}
	header.Set("Content-Type", string(res.mediaType))
	header.Set("Content-Length", fmt.Sprint(res.size))
	header.Set("Docker-Distribution-Api-Version", "registry/2.0")
	if res.digest != (v1.Hash{}) {
		header.Set("Docker-Content-Digest", res.digest.String())
	}
	body := io.ReadCloser(http.NoBody)
	if req.Method != http.MethodHead {
		content, err := res.open()
		if err != nil {
			return nil, err
		}
		body = contextBody{req.Context(), content}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          body,
		ContentLength: res.size,
		Request:       req,
	}, nil
}

// A contextBody ends with the request's context, as a body from the network does.
type contextBody struct {
	ctx context.Context
	io.ReadCloser
}

func (b contextBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// A resource is what the registry answers with: a manifest or a blob.
type resource struct {
	mediaType types.MediaType
	digest    v1.Hash
	size      int64
	open      func() (io.ReadCloser, error)
}

func bytesResource(mediaType types.MediaType, b []byte) resource {
	return resource{
		mediaType: mediaType,
		size:      int64(len(b)),
		open:      func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

// staticResources returns all that the registry holds, by the path below the
// repository: "manifests/latest", "manifests/sha256:…", "blobs/sha256:…".
func staticResources() (map[string]resource, error) {
	index, err := Static()
	if err != nil {
		return nil, err
	}
	resources := map[string]resource{}
	if err := addIndex(resources, index); err != nil {
		return nil, fmt.Errorf("serving embedded base: %w", err)
	}
	if err := addHost(resources, index); err != nil {
		return nil, fmt.Errorf("serving embedded base for this machine: %w", err)
	}
	return resources, nil
}

// addHost adds the image of this machine's system, with the layer of all others.
func addHost(resources map[string]resource, index v1.ImageIndex) error {
	im, err := index.IndexManifest()
	if err != nil {
		return err
	}
	other, err := index.Image(im.Manifests[0].Digest)
	if err != nil {
		return err
	}
	layers, err := other.Layers()
	if err != nil {
		return err
	}
	img, err := staticImage(layers[0], v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH})
	if err != nil {
		return err
	}
	if resources["manifests/"+hostTag], err = addManifest(resources, img); err != nil {
		return err
	}
	return addImage(resources, img)
}

func addIndex(resources map[string]resource, index v1.ImageIndex) error {
	res, err := addManifest(resources, index)
	if err != nil {
		return err
	}
	resources["manifests/latest"] = res
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, desc := range manifest.Manifests {
		img, err := index.Image(desc.Digest)
		if err != nil {
			return err
		}
		if err := addImage(resources, img); err != nil {
			return fmt.Errorf("adding %q: %w", desc.Platform, err)
		}
	}
	return nil
}

func addImage(resources map[string]resource, img v1.Image) error {
	if _, err := addManifest(resources, img); err != nil {
		return err
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, blob := range append(layers, config) {
		if err := addBlob(resources, blob); err != nil {
			return err
		}
	}
	return nil
}

// A manifest is what images and indexes have in common.
type manifest interface {
	partial.Describable
	RawManifest() ([]byte, error)
}

func addManifest(resources map[string]resource, m manifest) (resource, error) {
	raw, err := m.RawManifest()
	if err != nil {
		return resource{}, err
	}
	mediaType, err := m.MediaType()
	if err != nil {
		return resource{}, err
	}
	res := bytesResource(mediaType, raw)
	if res.digest, err = m.Digest(); err != nil {
		return resource{}, err
	}
	resources["manifests/"+res.digest.String()] = res
	return res, nil
}

func addBlob(resources map[string]resource, blob v1.Layer) error {
	desc, err := partial.Descriptor(blob)
	if err != nil {
		return err
	}
	resources["blobs/"+desc.Digest.String()] = resource{
		mediaType: desc.MediaType,
		digest:    desc.Digest,
		size:      desc.Size,
		open:      blob.Compressed,
	}
	return nil
}
