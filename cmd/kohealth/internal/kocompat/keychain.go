package kocompat

import (
	_ "unsafe" // for go:linkname

	"github.com/google/go-containerregistry/pkg/authn"
	_ "github.com/google/ko/pkg/commands" // has the variable
)

// koKeychain is where ko's commands find credentials. ko has no other way to set it.
//
//go:linkname koKeychain github.com/google/ko/pkg/commands.keychain
var koKeychain authn.Keychain

// UseKeychain has ko find credentials in a keychain, which is to look where ko's own does.
func UseKeychain(k authn.Keychain) { koKeychain = k }
