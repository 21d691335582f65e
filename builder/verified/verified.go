// Package verified reads images and believes no name in them that it has not checked: a
// manifest, a config or a layer that is not what its digest says is an error that names
// the blob. Registries are read through go-containerregistry's remote package, which
// checks manifests, configs and compressed layers itself; stores in files, and whatever
// a layer unpacks to, nobody else checks.
//
// A layer is checked at its end: what has been read of it before is known to be right
// only when Read has returned [io.EOF].
package verified

import (
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// mismatch says that a blob is not what its name says.
func mismatch(blob v1.Hash, got string) error {
	return fmt.Errorf("blob %q: digest did not match: it holds %s", blob, got)
}

// check holds a blob against its digest.
func check(data []byte, want v1.Hash) error {
	h, err := v1.Hasher(want.Algorithm)
	if err != nil {
		return fmt.Errorf("blob %q: %w", want, err)
	}
	h.Write(data)
	if got := sum(h); got != want.Hex {
		return mismatch(want, want.Algorithm+":"+got)
	}
	return nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// named matches the names that docker save and its kin give to a blob in an archive,
// which hold its digest: HEX.json, sha256:HEX, blobs/sha256/HEX.
var named = regexp.MustCompile(`^(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?$`)

// Named holds the file of an archive against the digest that its name may be.
func Named(file string, data []byte) error {
	m := named.FindStringSubmatch(file)
	if m == nil {
		return nil
	}
	return check(data, v1.Hash{Algorithm: "sha256", Hex: m[1]})
}

// A reader holds what it reads against a digest.
type reader struct {
	io.ReadCloser
	hash hash.Hash
	fail func(got string) error // the error if the digest is another
	want string
}

func newReader(rc io.ReadCloser, want v1.Hash, fail func(got string) error) (io.ReadCloser, error) {
	h, err := v1.Hasher(want.Algorithm)
	if err != nil {
		_ = rc.Close()
		return nil, err
	}
	return &reader{rc, h, fail, want.Hex}, nil
}

// Read reads on. At the end of something else than was promised it fails.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.hash.Write(p[:n])
	if err == io.EOF {
		if got := sum(r.hash); got != r.want {
			err = r.fail("sha256:" + got)
		}
	}
	return n, err
}
