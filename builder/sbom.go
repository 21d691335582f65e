package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/ko/pkg/build"
	"github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/static"
	"github.com/sigstore/cosign/v3/pkg/oci/walk"

	"github.com/ko-health/kohealth/layers/cache"
)

const sbomAttachment = "sbom"

// described is an image or an index: what an SBOM can be of.
type described interface {
	Digest() (v1.Hash, error)
	MediaType() (types.MediaType, error)
}

// imageSBOM attaches old's SBOM to out, brought up to date. Without an SBOM
// (--sbom=none) out stays as it is.
func (r *rewriter) imageSBOM(old, out oci.SignedImage, a added) (oci.SignedImage, error) {
	f, err := old.Attachment(sbomAttachment)
	if err != nil {
		return out, nil // cosign's way to say that there is none
	}
	edit, err := r.newSBOMEdit(old, out)
	if err != nil {
		return nil, err
	}
	if err := edit.describe(a); err != nil {
		return nil, err
	}
	file, err := r.editSBOM(edit, f)
	if err != nil {
		return nil, err
	}
	return ocimutate.AttachFileToImage(out, sbomAttachment, file)
}

// indexSBOM attaches old's SBOM to out, with the digests of index and images
// replaced.
func (r *rewriter) indexSBOM(old, out oci.SignedImageIndex) (build.Result, error) {
	f, err := old.Attachment(sbomAttachment)
	if err != nil {
		return out, nil
	}
	edit, err := r.newSBOMEdit(old, out)
	if err != nil {
		return nil, err
	}
	before, err := old.IndexManifest()
	if err != nil {
		return nil, err
	}
	after, err := out.IndexManifest()
	if err != nil {
		return nil, err
	}
	for i := range before.Manifests {
		edit.replace(before.Manifests[i].Digest, after.Manifests[i].Digest)
		edit.retype(before.Manifests[i].MediaType, after.Manifests[i].MediaType)
	}
	file, err := r.editSBOM(edit, f)
	if err != nil {
		return nil, err
	}
	return ocimutate.AttachFileToImageIndex(out, sbomAttachment, file)
}

// An sbomEdit makes ko's SPDX document true of the rewritten image.
type sbomEdit struct {
	version string // kohealth's
	pairs   []string
	image   v1.Hash // the new digest
	added   []spdxPackage
}

func (r *rewriter) newSBOMEdit(old, out described) (*sbomEdit, error) {
	before, err := old.Digest()
	if err != nil {
		return nil, err
	}
	after, err := out.Digest()
	if err != nil {
		return nil, err
	}
	beforeType, err := old.MediaType()
	if err != nil {
		return nil, err
	}
	afterType, err := out.MediaType()
	if err != nil {
		return nil, err
	}
	e := &sbomEdit{version: r.Version, image: after}
	e.replace(before, after)
	e.retype(beforeType, afterType)
	return e, nil
}

// replace has a digest replaced wherever the document names it: as digest, in
// identifiers, checksums and purls.
func (e *sbomEdit) replace(before, after v1.Hash) {
	e.pairs = append(e.pairs, before.Hex, after.Hex)
}

// retype has a media type replaced, as purls spell it.
func (e *sbomEdit) retype(before, after types.MediaType) {
	e.pairs = append(e.pairs,
		"mediaType="+url.QueryEscape(string(before)), "mediaType="+url.QueryEscape(string(after)))
}

// editSBOM returns the document that replaces f. Where ko has written f to a file, it
// will be replaced there, too.
func (r *rewriter) editSBOM(e *sbomEdit, f oci.File) (oci.File, error) {
	before, err := f.Payload()
	if err != nil {
		return nil, fmt.Errorf("reading SBOM: %w", err)
	}
	mt, err := f.FileMediaType()
	if err != nil {
		return nil, fmt.Errorf("reading SBOM: %w", err)
	}
	after, err := e.apply(before)
	if err != nil {
		return nil, fmt.Errorf("editing SBOM: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range sbomFiles(r.SBOMDir, before) {
		r.documents[name] = after
	}
	return static.NewFile(after, static.WithLayerMediaType(mt))
}

func (e *sbomEdit) apply(document []byte) ([]byte, error) {
	text := strings.NewReplacer(e.pairs...).Replace(string(document))
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	err := appendTo(doc, "creationInfo", "creators", "Tool: kohealth "+e.version)
	for _, pkg := range e.added {
		err = errors.Join(err,
			appendTo(doc, "", "packages", pkg),
			appendTo(doc, "", "relationships", spdxRelationship{
				Element: imageID(e.image),
				Type:    "CONTAINS",
				Related: pkg.ID,
			}))
	}
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(doc, "", "  ") // sorts the keys
	return append(out, '\n'), err
}

// writeSBOMs writes the documents, when nothing can go wrong any more.
func (r *rewriter) writeSBOMs() error {
	for name, document := range r.documents {
		if err := cache.WriteFile(name, document); err != nil {
			return fmt.Errorf("writing SBOM: %w", err)
		}
	}
	return nil
}

// appendTo appends value to the array key of the document or, with an object, of
// the document's object.
func appendTo(doc map[string]json.RawMessage, object, key string, value any) error {
	if object != "" {
		inner := map[string]json.RawMessage{}
		if err := json.Unmarshal(doc[object], &inner); err != nil {
			return err
		}
		err := appendTo(inner, "", key, value)
		if err != nil {
			return err
		}
		doc[object], err = json.Marshal(inner)
		return err
	}
	var list []json.RawMessage
	if raw, ok := doc[key]; ok {
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	doc[key], err = json.Marshal(append(list, raw))
	return err
}

// describe adds entries for what was added to the image.
func (e *sbomEdit) describe(a added) error {
	if a.probe != nil {
		layer, err := a.probe.Digest()
		if err != nil {
			return err
		}
		e.added = append(e.added, probePackage(e.version, layer))
	}
	if a.packages != nil {
		layer, err := a.packages.Digest()
		if err != nil {
			return err
		}
		for _, p := range a.list {
			e.added = append(e.added, apkPackage(p, layer))
		}
	}
	return nil
}

// sbomFiles returns the files in dir that hold exactly this document. ko names them
// after app and platform; the digest in a document makes it one of a kind.
func sbomFiles(dir string, document []byte) []string {
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

// dropSBOMs removes the documents that ko wrote of a result that is not published.
func dropSBOMs(dir string, result build.Result) {
	if dir == "" {
		return
	}
	drop := func(se oci.SignedEntity) {
		f, err := se.Attachment(sbomAttachment)
		if err != nil {
			return
		}
		if document, err := f.Payload(); err == nil {
			for _, name := range sbomFiles(dir, document) {
				_ = os.Remove(name)
			}
		}
	}
	if se, ok := result.(oci.SignedEntity); ok {
		_ = walk.SignedEntity(context.Background(), se, func(_ context.Context, se oci.SignedEntity) error {
			drop(se)
			return nil
		})
	}
}
