// Package sbom says in SPDX what an image has got: in ko's document, which is brought up to
// date, or in one of its own, of an image that ko did not build.
//
// A document is attached to its image as ko attaches them. Where files of them are wanted,
// too, they are written when nothing can go wrong any more:
//
//	docs := &sbom.Documents{Version: "v1.2.3", Dir: dir}
//	img, err := docs.UpdateImage(ko, rewritten, added)
//	…
//	err = docs.Write()
package sbom

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"
	"github.com/sigstore/cosign/v3/pkg/oci/walk"

	"github.com/ko-health/kohealth/layers/cache"
)

// attachment is the name under which ko attaches SBOMs.
const attachment = "sbom"

// described is an image or an index: what an SBOM can be of.
type described interface {
	Digest() (v1.Hash, error)
	MediaType() (types.MediaType, error)
}

// Documents are the SBOMs of one image or index, and of the images in that.
type Documents struct {
	Version string // kohealth's own
	Dir     string // where files of them are; "" means nowhere

	mu    sync.Mutex
	files map[string][]byte // to write
}

// keep has a document written in the end.
func (d *Documents) keep(name string, document []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files == nil {
		d.files = map[string][]byte{}
	}
	d.files[name] = document
}

// Write writes the files, when nothing can go wrong any more.
func (d *Documents) Write() error {
	if len(d.files) == 0 {
		return nil
	}
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return fmt.Errorf("writing SBOM: %w", err)
	}
	for name, document := range d.files {
		if err := cache.WriteFile(name, document); err != nil {
			return fmt.Errorf("writing SBOM: %w", err)
		}
	}
	return nil
}

// sameFiles returns the files in dir that hold exactly this document. ko names them
// after app and platform; the digest in a document makes it one of a kind.
func sameFiles(dir string, document []byte) []string {
	if dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(dir)
	var same []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".spdx.json") {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if data, err := os.ReadFile(name); err == nil && bytes.Equal(data, document) {
			same = append(same, name)
		}
	}
	return same
}

// Drop removes the documents that ko wrote of a result that is not published.
func Drop(dir string, result any) {
	if dir == "" {
		return
	}
	drop := func(se cosign.SignedEntity) {
		f, err := se.Attachment(attachment)
		if err != nil {
			return
		}
		if document, err := f.Payload(); err == nil {
			for _, name := range sameFiles(dir, document) {
				_ = os.Remove(name)
			}
		}
	}
	if se, ok := result.(cosign.SignedEntity); ok {
		_ = walk.SignedEntity(context.Background(), se, func(_ context.Context, se cosign.SignedEntity) error {
			drop(se)
			return nil
		})
	}
}
