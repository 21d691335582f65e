package layers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers/cache"
)

// cachedLayer is [Layer] with a cache of compressed bytes, by the digest of what
// they hold: compressing a probe takes longer than all else that is done with it.
func cachedLayer(dir cache.Dir, files []File, mediaType types.MediaType) (v1.Layer, error) {
	var tar bytes.Buffer
	if err := writeTar(&tar, files); err != nil {
		return nil, fmt.Errorf("making layer: %w", err)
	}
	sum := sha256.Sum256(tar.Bytes())
	key := hex.EncodeToString(sum[:])
	if compressed, ok := dir.Get(key); ok {
		return gzipLayer(compressed, mediaType)
	}
	compressed, err := compress(tar.Bytes())
	if err != nil {
		return nil, fmt.Errorf("making layer: %w", err)
	}
	_ = dir.Put(key, compressed) // it is only slower without
	return gzipLayer(compressed, mediaType)
}
