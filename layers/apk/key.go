package apk

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// A publicKey is the key of a repository.
type publicKey struct {
	public *rsa.PublicKey
	der    []byte
	sha1   bool // signatures with SHA-1 count, too
}

// readKey reads a public key from a PEM file. The prefix "sha1:" before the file's name
// says that signatures with SHA-1 are trusted as well: some old repositories have no
// others.
func readKey(spec string) (*publicKey, error) {
	name, weak := strings.CutPrefix(spec, "sha1:")
	if strings.Contains(name, "://") {
		return nil, hint.With(errors.New("reading key: it is a URL, not a file"), // whose password or token is not shown
			"download the key, compare it with what its owner publishes, and name the file")
	}
	text, err := limits.Key.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(name) {
		err = hint.With(err, "relative paths begin in the working directory, also in .ko.yaml")
	}
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	k, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("reading key %q: %w", name, err)
	}
	k.sha1 = weak
	return k, nil
}

func readKeys(specs []string) (keys []*publicKey, err error) {
	for _, spec := range specs {
		k, err := readKey(spec)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func parseKey(text []byte) (*publicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, hint.With(errors.New("it is not PEM"), "the file of a public key begins with -----BEGIN PUBLIC KEY-----")
	}
	if block.Type != "PUBLIC KEY" {
		err := fmt.Errorf("it holds a %q, not a %q", block.Type, "PUBLIC KEY")
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, hint.With(err, "its public key is what openssl pkey -in FILE -pubout prints")
		}
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	k, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, not one of RSA", public)
	}
	if k.Size()*8 < 2048 {
		return nil, fmt.Errorf("RSA with %d bits is too weak", k.Size()*8)
	}
	return &publicKey{public: k, der: block.Bytes}, nil
}

// fingerprint returns the SHA-256 digest of the key's DER form, in hex.
func (k *publicKey) fingerprint() string {
	sum := sha256.Sum256(k.der)
	return hex.EncodeToString(sum[:])
}

// id tells keys and what they are trusted with apart.
func (k *publicKey) id() string { return fmt.Sprint(k.fingerprint(), k.sha1) }

// A PinnedKey is a key that is downloaded from the repository itself and accepted only
// with its fingerprint.
type PinnedKey struct{ Name, Fingerprint string }

// wolfiKey is Wolfi's, https://github.com/wolfi-dev/os/blob/main/wolfi-signing.rsa.pub
func wolfiKey() PinnedKey {
	return PinnedKey{"wolfi-signing.rsa.pub", "6e95f867b00808f1798f57b0ee98558ae2b195b28a75dc2b7030f4ea90c5ce25"}
}

// pinnedKey returns the key that has the fingerprint, from the cache or the repository.
func (r *repository) pinnedKey(ctx context.Context, pin PinnedKey) (*publicKey, error) {
	kept := r.Cache.Sub("apk").Sub("keys")
	if text, ok := kept.Get(pin.Fingerprint); ok {
		if k, err := parseKey(text); err == nil && k.fingerprint() == pin.Fingerprint {
			return k, nil
		}
	}
	text, err := r.keyFile(ctx, pin.Name)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", pin.Name, err)
	}
	k, err := parseKey(text)
	if err == nil && k.fingerprint() != pin.Fingerprint {
		err = hint.With(fmt.Errorf("its fingerprint is %s, not %s", k.fingerprint(), pin.Fingerprint),
			"this is not the key that kohealth knows: find out why before you trust it with --health-key")
	}
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", pin.Name, err)
	}
	_ = kept.Put(pin.Fingerprint, text) // it is only slower without
	return k, nil
}

func (r *repository) keyFile(ctx context.Context, name string) ([]byte, error) {
	switch {
	case r.base == nil:
		text, err := readFile(filepath.Join(r.dir, name), limits.Key)
		return text, explainKey(err)
	case r.offline:
		return nil, hint.With(errors.New("it is not in the cache"), "build once without --health-offline")
	}
	resp, err := r.fetcher().get(ctx, r.url(name), r.user, "", limits.Key.Max())
	if err != nil {
		return nil, explainKey(err)
	}
	return resp.body, nil
}

// explainKey adds the next step where a repository, such as a mirror, lacks its key.
func explainKey(err error) error {
	var status statusError
	if errors.As(err, &status) && status == 404 || errors.Is(err, os.ErrNotExist) {
		return hint.With(err, "name the key's file with --health-key, or put it beside x86_64 and aarch64")
	}
	return err
}
