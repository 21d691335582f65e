package sbom

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/static"

	"github.com/ko-health/kohealth/builder/equip"
)

// UpdateImage attaches old's SBOM to out, brought up to date. Without an SBOM
// (--sbom=none) out stays as it is.
func (d *Documents) UpdateImage(old, out cosign.SignedImage, added equip.Added) (cosign.SignedImage, error) {
	f, err := old.Attachment(attachment)
	if err != nil {
		return out, nil // cosign's way to say that there is none
	}
	e, err := d.newEdit(old, out)
	if err != nil {
		return nil, err
	}
	if err := e.describe(added); err != nil {
		return nil, err
	}
	file, err := d.edit(e, f)
	if err != nil {
		return nil, err
	}
	return ocimutate.AttachFileToImage(out, attachment, file)
}

// UpdateIndex attaches old's SBOM to out, with the digests of index and images
// replaced.
func (d *Documents) UpdateIndex(old, out cosign.SignedImageIndex) (cosign.SignedImageIndex, error) {
	f, err := old.Attachment(attachment)
	if err != nil {
		return out, nil
	}
	e, err := d.newEdit(old, out)
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
		e.replace(before.Manifests[i].Digest, after.Manifests[i].Digest)
		e.retype(before.Manifests[i].MediaType, after.Manifests[i].MediaType)
	}
	file, err := d.edit(e, f)
	if err != nil {
		return nil, err
	}
	return ocimutate.AttachFileToImageIndex(out, attachment, file)
}

// An edit makes ko's SPDX document true of the rewritten image.
type edit struct {
	version string // kohealth's
	pairs   []string
	image   v1.Hash // the new digest
	more    []spdxPackage
}

func (d *Documents) newEdit(old, out described) (*edit, error) {
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
	e := &edit{version: d.Version, image: after}
	e.replace(before, after)
	e.retype(beforeType, afterType)
	return e, nil
}

// replace has a digest replaced wherever the document names it: as digest, in
// identifiers, checksums and purls.
func (e *edit) replace(before, after v1.Hash) {
	e.pairs = append(e.pairs, before.Hex, after.Hex)
}

// retype has a media type replaced, as purls spell it.
func (e *edit) retype(before, after types.MediaType) {
	e.pairs = append(e.pairs,
		"mediaType="+url.QueryEscape(string(before)), "mediaType="+url.QueryEscape(string(after)))
}

// edit returns the document that replaces f. Where ko has written f to a file, it
// will be replaced there, too.
func (d *Documents) edit(e *edit, f cosign.File) (cosign.File, error) {
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
	for _, name := range sameFiles(d.Dir, before) {
		d.keep(name, after)
	}
	return static.NewFile(after, static.WithLayerMediaType(mt))
}

func (e *edit) apply(document []byte) ([]byte, error) {
	text := strings.NewReplacer(e.pairs...).Replace(string(document))
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	err := appendTo(doc, "creationInfo", "creators", "Tool: kohealth "+e.version)
	for _, pkg := range e.more {
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

// describe adds entries for what was added to the image.
func (e *edit) describe(added equip.Added) error {
	if added.Probe != nil {
		layer, err := added.Probe.Digest()
		if err != nil {
			return err
		}
		e.more = append(e.more, probePackage(e.version, layer, added.ProbeAt))
	}
	if added.Packages != nil {
		layer, err := added.Packages.Digest()
		if err != nil {
			return err
		}
		for _, p := range added.List {
			e.more = append(e.more, apkPackage(p, layer))
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
