package main

import (
	"context"
	"crypto/tls"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
)

// imageFlags are the flags of the commands that read an image.
type imageFlags struct {
	platform string // such as linux/arm64; "" for any
	insecure bool
}

// openOptions says how images are opened for reading: the embedded base among the
// registries.
func (f imageFlags) openOptions(ctx context.Context, v versions) (o images.Options, err error) {
	next := remote.DefaultTransport
	if f.insecure { // as ko's --insecure-registry writes to them
		if t, ok := next.(*http.Transport); ok {
			t = t.Clone()
			t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the user asks for it
			next = t
		}
		o.Name = []name.Option{name.Insecure}
	}
	o.Remote = append(remoteOptions(v), remote.WithTransport(registries(ctx, registry.Patient(ctx, next))))
	if f.platform != "" {
		o.Platform, err = parsePlatform(f.platform)
	}
	return o, err
}
