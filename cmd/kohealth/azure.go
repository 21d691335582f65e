package main

import (
	"regexp"

	"github.com/google/go-containerregistry/pkg/authn"
)

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
