package registry

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

type keychainFunc func(authn.Resource) (authn.Authenticator, error)

func (f keychainFunc) Resolve(r authn.Resource) (authn.Authenticator, error) { return f(r) }

func TestAzureAsksForAzureOnly(t *testing.T) {
	for host, want := range map[string]bool{
		"team.azurecr.io":                  true,
		"team.azurecr.cn":                  true,
		"mcr.microsoft.com":                true,
		"team.azurecr.io.example.com":      false,
		"azurecr.io.example.com":           false,
		"team.azurecr.io.example.com:5000": false,
		"example.com":                      false,
	} {
		asked := false
		keychain := azure{keychainFunc(func(authn.Resource) (authn.Authenticator, error) {
			asked = true
			return authn.Anonymous, nil
		})}
		registry, err := name.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keychain.Resolve(registry); err != nil {
			t.Fatal(err)
		}
		if asked != want {
			t.Errorf("credentials for %s are asked for: %t, want %t", host, asked, want)
		}
	}
}
