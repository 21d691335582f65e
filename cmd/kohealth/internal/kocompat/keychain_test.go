package kocompat

import (
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
)

// An asked keychain notes for which registries it is asked.
type asked struct{ registries []string }

func (a *asked) Resolve(r authn.Resource) (authn.Authenticator, error) {
	a.registries = append(a.registries, r.RegistryStr())
	return authn.Anonymous, nil
}

// TestUseKeychain checks that ko's own code asks the keychain: a ko whose variable has
// another name would not.
func TestUseKeychain(t *testing.T) {
	own := koKeychain
	defer UseKeychain(own)
	if own == nil {
		t.Fatal("ko has no keychain of its own")
	}
	var keychain asked
	UseKeychain(&keychain)
	const host = "127.0.0.1:1" // where nobody answers
	publisher, err := commands.NewPublisher(&options.PublishOptions{DockerRepo: host + "/app", Push: true, Bare: true, Tags: []string{"latest"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publisher.Publish(t.Context(), empty.Image, "ko://example.com/app"); err == nil {
		t.Fatal("somebody answers at " + host)
	}
	if !slices.Contains(keychain.registries, host) {
		t.Errorf("asked for %q, want %s among them", keychain.registries, host)
	}
}
