package registry

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers"
)

// Transport returns a transport to all registries, by way of next: the one inside
// kohealth among them.
func Transport(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return layers.Transport(Bounded(ctx, term.ProgressOf(ctx).Transport(next, "pulling", "pushing")))
}

// Options say how registries are asked: with ko's credentials, in kohealth's name.
func Options(v version.Info) []remote.Option {
	return []remote.Option{remote.WithAuthFromKeychain(NewKeychain()), remote.WithUserAgent(v.UserAgent())}
}
