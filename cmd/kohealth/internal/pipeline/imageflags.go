package pipeline

import (
	"context"
	"crypto/tls"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// ImageFlags are the flags of the commands that read an image.
type ImageFlags struct {
	Platform string // such as linux/arm64; "" for any
	Insecure bool
}

// OpenOptions says how images are opened for reading: the embedded base among the
// registries.
func (f ImageFlags) OpenOptions(ctx context.Context, v version.Info) (o images.Options, err error) {
	next := remote.DefaultTransport
	if f.Insecure { // as ko's --insecure-registry writes to them
		if t, ok := next.(*http.Transport); ok {
			t = t.Clone()
			t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the user asks for it
			next = t
		}
		o.Name = []name.Option{name.Insecure}
	}
	o.Remote = append(registry.Options(v), remote.WithTransport(registry.Transport(ctx, registry.Patient(ctx, next))))
	if f.Platform != "" {
		o.Platform, err = ParsePlatform(f.Platform)
	}
	return o, err
}
