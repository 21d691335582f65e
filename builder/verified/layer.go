package verified

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// A layer is one whose bytes are checked while they are read: compressed against its
// digest, unpacked against its diff_id as well.
type layer struct {
	v1.Layer
	diffID   func() (v1.Hash, error) // that the image's config has of it
	computed bool                    // the digest is not a claim, but was computed from what the layer unpacks to
}

// Layer returns a layer that is checked while it is read.
func Layer(l v1.Layer) v1.Layer {
	if checked, ok := l.(*layer); ok {
		return checked
	}
	return &layer{Layer: l, diffID: l.DiffID}
}

// LayerAs is Layer for one whose diff_id is to be what a config claims.
func LayerAs(l v1.Layer, claim v1.Hash) v1.Layer {
	checked := *Layer(l).(*layer)
	checked.diffID = func() (v1.Hash, error) { return claim, nil }
	return &checked
}

// DiffID returns what the image's config says: a claim, which Uncompressed checks.
func (l *layer) DiffID() (v1.Hash, error) { return l.diffID() }

// Descriptor keeps what a manifest says of the layer beside its digest; see
// [partial.Descriptor].
func (l *layer) Descriptor() (*v1.Descriptor, error) { return partial.Descriptor(l.Layer) }

// Exists reports whether the layer is in its store; see [partial.Exists].
func (l *layer) Exists() (bool, error) { return partial.Exists(l.Layer) }

// Compressed returns the layer as it is stored, checked against its digest.
func (l *layer) Compressed() (io.ReadCloser, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, err
	}
	rc, err := l.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return newReader(rc, digest, func(got string) error { return mismatch(digest, got) })
}

// Uncompressed returns what the layer unpacks to, checked against its digest and its
// diff_id.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	diffID, err := l.diffID()
	if err != nil {
		return nil, err
	}
	rc, err := l.unpack()
	if err != nil {
		return nil, err
	}
	return newReader(rc, diffID, func(got string) error {
		digest, _ := l.Digest() // only names the layer
		return fmt.Errorf("layer %q: diff_id did not match: the image's config says %s, and it unpacks to %s", digest, diffID, got)
	})
}

func (l *layer) unpack() (io.ReadCloser, error) {
	if l.computed {
		return l.Layer.Uncompressed()
	}
	unpacked, err := partial.CompressedToLayer(stored{l})
	if err != nil {
		return nil, err
	}
	return unpacked.Uncompressed()
}

// stored hides that a layer can unpack itself.
type stored struct{ partial.CompressedLayer }
