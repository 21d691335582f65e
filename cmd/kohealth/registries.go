package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/open"
	"github.com/ko-health/kohealth/layers"
)

// registries returns a transport to all registries, by way of next: the one inside
// kohealth among them.
func registries(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return layers.Transport(progressOf(ctx).transport(next, "pulling", "pushing"))
}

// openOptions says how images are opened for reading: with ko's credentials, and the
// embedded base among the registries. platform is "" or such as linux/arm64.
func openOptions(ctx context.Context, platform string, v versions) (open.Options, error) {
	o := open.Options{Remote: []remote.Option{
		remote.WithAuthFromKeychain(newKeychain()),
		remote.WithUserAgent("kohealth/" + v.kohealth),
		remote.WithTransport(registries(ctx, remote.DefaultTransport)),
	}}
	if platform == "" {
		return o, nil
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil || p.OS == "" || p.Architecture == "" {
		return o, hint.With(fmt.Errorf("parsing platform %q: want OS/ARCHITECTURE", platform), "write it as in linux/arm64")
	}
	o.Platform = p
	return o, nil
}

// allowInsecure opens registries as ko's --insecure-registry writes to them.
func allowInsecure(ctx context.Context, o *open.Options) {
	next := remote.DefaultTransport
	if t, ok := next.(*http.Transport); ok {
		t = t.Clone()
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the user asks for it
		next = t
	}
	o.Name = append(o.Name, name.Insecure)
	o.Remote = append(o.Remote, remote.WithTransport(registries(ctx, next)))
}
