package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	ecr "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	"github.com/chrismellard/docker-credential-acr-env/pkg/credhelper"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/authn/github"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/google"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/open"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/cache"
)

// cacheDir is kohealth's directory in the user's cache, or none where the user has
// no cache, as in a container without HOME.
func cacheDir() cache.Dir {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "kohealth")
	if target, err := filepath.EvalSymlinks(dir); err == nil { // pruning follows no links
		dir = target
	}
	return cache.Dir(dir)
}

// newKeychain finds credentials where ko does, in ko's order.
func newKeychain() authn.Keychain {
	return authn.NewMultiKeychain(
		authn.NewKeychainFromHelper(ecr.NewECRHelper(ecr.WithLogger(io.Discard))),
		authn.DefaultKeychain,
		google.Keychain,
		github.Keychain,
		azure{authn.NewKeychainFromHelper(credhelper.NewACRCredentialsHelper())},
	)
}

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

// configFile returns the .ko.yaml that ko reads, or "" if there is none: the file, or
// the file in the directory, that KO_CONFIG_PATH names, else the one in dir.
func configFile(dir string) string {
	if p := os.Getenv("KO_CONFIG_PATH"); p != "" {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return filepath.Join(p, ".ko.yaml")
		}
		return p
	}
	for _, name := range []string{".ko.json", ".ko.yaml", ".ko.yml"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			return filepath.Join(dir, name)
		}
	}
	return ""
}
