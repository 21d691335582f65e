package main

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/registry"
	"github.com/ko-health/kohealth/layers"
)

// registries returns a transport to all registries, by way of next: the one inside
// kohealth among them.
func registries(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return layers.Transport(registry.Bounded(ctx, progressOf(ctx).transport(next, "pulling", "pushing")))
}

// remoteOptions say how registries are asked: with ko's credentials, in kohealth's name.
func remoteOptions(v versions) []remote.Option {
	return []remote.Option{remote.WithAuthFromKeychain(newKeychain()), remote.WithUserAgent(v.userAgent())}
}
