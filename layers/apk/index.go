package apk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// An index is a signed index that was fetched, known by the digest of its bytes.
type index struct {
	repo   *repository
	digest string
	body   []byte // nil if it is in the cache only
}

// A head is what the cache knows of the index of a URL.
type head struct {
	ETag   string `json:"etag"`
	Digest string `json:"digest"` // of the index, SHA-256 in hex
}

const indexName = "APKINDEX.tar.gz"

// wrongDirectory is what to do about a repository that has no index.
const wrongDirectory = "name the directory above x86_64 and aarch64, as in " + defaultRepository

// fetchIndex makes sure that the index is at hand: of a remote one that is in the cache
// it only asks whether it has changed, once.
func (r *repository) fetchIndex(ctx context.Context, arch string) (*index, error) {
	if r.base == nil {
		body, err := readFile(filepath.Join(r.dir, arch, indexName), limits.Index)
		if err != nil {
			return nil, fmt.Errorf("repository %s: %w", r, r.explain(err, wrongDirectory))
		}
		return &index{r, digest(body), body}, nil
	}
	u := r.url(arch, indexName)
	heads, bodies := r.Cache.Sub("apk").Sub("heads"), r.Cache.Sub("apk").Sub("indexes")
	key := digest([]byte(u.String()))
	var old head
	if data, ok := heads.Get(key); ok {
		_ = json.Unmarshal(data, &old) // else it is fetched anew
	}
	known := old.Digest != "" && bodies.Has(old.Digest)
	if known && (r.offline || r.wasAsked(u)) {
		return &index{repo: r, digest: old.Digest}, nil
	}
	if r.offline {
		return nil, hint.With(fmt.Errorf("the index of %s is not in the cache", r), "build once without --health-offline")
	}
	if !known {
		old.ETag = ""
	}
	var got *index
	var wrong error
	resp, err := r.fetcher().getChecked(ctx, u, r.user, old.ETag, limits.Index.Max(), func(body []byte) error {
		before := got
		got = &index{r, digest(body), body}
		if before != nil && before.digest == got.digest {
			return nil // it was not damaged on the way: wrong says what is wrong with it
		}
		_, wrong = got.verify(ctx)
		if errors.As(wrong, new(*keyError)) {
			return nil
		}
		return wrong
	})
	if err != nil {
		return nil, fmt.Errorf("repository %s: %w", r, r.explain(err, wrongDirectory))
	}
	if resp.unchanged {
		r.markAsked(u)
		return &index{repo: r, digest: old.Digest}, nil
	}
	if wrong != nil {
		return nil, wrong
	}
	// The one before may be that of a mirror, too, and goes when it was not used for long.
	if latest, err := json.Marshal(head{resp.etag, got.digest}); err == nil && bodies.Put(got.digest, resp.body) == nil {
		_ = heads.Put(key, latest) // it is only slower without
	}
	r.markAsked(u)
	return got, nil
}

// A keyError says why there is no key to verify an index with.
type keyError struct{ error }

func (e *keyError) Unwrap() error { return e.error }

// verify returns the signed part of the index.
func (x *index) verify(ctx context.Context) ([]byte, error) {
	if x.body == nil {
		body, ok := x.repo.Cache.Sub("apk").Sub("indexes").Get(x.digest)
		if !ok { // damaged, it would otherwise count as known
			x.repo.Cache.Sub("apk").Sub("indexes").Remove(x.digest)
			return nil, hint.With(fmt.Errorf("the index of %s has gone from the cache", x.repo), "build again")
		}
		x.body = body
	}
	signed, err := verifyIndex(x.body, x.repo.keys)
	if pin := x.repo.pinned(); err != nil && names(x.body, pin.Name) {
		k, keyErr := x.repo.pinnedKey(ctx, pin)
		if keyErr != nil {
			return nil, fmt.Errorf("repository %s: %w", x.repo, &keyError{keyErr})
		}
		signed, err = verifyIndex(x.body, []*publicKey{k})
	}
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", x.repo, err)
	}
	return signed, nil
}

// names reports whether an index says to be signed by a key of a name.
func names(index []byte, key string) bool {
	signatures, _, err := cutSignatures(index)
	return err == nil && slices.ContainsFunc(signatures, func(s signature) bool { return s.key == key })
}

// packages returns what is in the index, once it is verified.
func (x *index) packages(ctx context.Context, arch string) (all []*Package, err error) {
	signed, err := x.verify(ctx)
	if err != nil {
		return nil, err
	}
	err = readIndex(signed, arch, func(p *Package) {
		p.from, p.dir = x.repo, arch
		all = append(all, p)
	})
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", x.repo, err)
	}
	return all, nil
}
