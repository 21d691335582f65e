package registry

import (
	"regexp"

	"github.com/chrismellard/docker-credential-acr-env/pkg/credhelper"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/authn/github"
	"github.com/google/go-containerregistry/pkg/v1/google"
)

// NewKeychain finds credentials where ko does, in ko's order.
func NewKeychain() authn.Keychain {
	return authn.NewMultiKeychain(
		newAmazon(),
		authn.DefaultKeychain,
		google.Keychain,
		github.Keychain,
		azure{authn.NewKeychainFromHelper(credhelper.NewACRCredentialsHelper())},
	)
}

// azure asks for credentials only if the registry is Azure's. By itself, the helper
// sends the user's token to every host that has azurecr.io somewhere in its name
// (https://pkg.go.dev/vuln/GO-2026-6225).
type azure struct{ helper authn.Keychain }

var azureRegistry = regexp.MustCompile(`^([^/]+\.azurecr\.(io|cn|de|us)|mcr\.microsoft\.com)$`)

func (a azure) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if !azureRegistry.MatchString(r.RegistryStr()) {
		return authn.Anonymous, nil
	}
	return a.helper.Resolve(r)
}
