package layers

import (
	"bytes"
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
	diffID := sha256Of(tar.Bytes())
	if compressed, ok := dir.Get(diffID.Hex); ok {
		return gzipLayer(diffID, compressed, mediaType)
	}
	compressed, err := compress(tar.Bytes())
	if err != nil {
		return nil, fmt.Errorf("making layer: %w", err)
	}
	_ = dir.Put(diffID.Hex, compressed) // it is only slower without
	return gzipLayer(diffID, compressed, mediaType)
}
