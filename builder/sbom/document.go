package sbom

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/static"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/oci"
)

// A document is an SBOM in the shape of ko's, of an image that ko did not build.
//
// https://spdx.github.io/spdx-spec/v2.3/document-creation-information/
type document struct {
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Version       string             `json:"spdxVersion"`
	CreationInfo  spdxCreation       `json:"creationInfo"`
	DataLicense   string             `json:"dataLicense"`
	Namespace     string             `json:"documentNamespace"`
	Describes     []string           `json:"documentDescribes"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

// spdxMediaType is what ko attaches SBOMs as.
const spdxMediaType = "text/spdx+json"

// DescribeImage attaches an SBOM of its own to an image. Its file's name begins with name.
func (d *Documents) DescribeImage(out cosign.SignedImage, name string, platform v1.Platform, added equip.Added) (cosign.SignedImage, error) {
	doc, err := documentOf(out)
	if err != nil {
		return nil, err
	}
	file, err := doc.file()
	if err != nil {
		return nil, err
	}
	started, err := ocimutate.AttachFileToImage(out, attachment, file)
	if err != nil {
		return nil, err
	}
	described, err := d.UpdateImage(started, out, added)
	if err != nil {
		return nil, err
	}
	return described, d.keepOf(described, name+"-"+strings.ReplaceAll(platform.String(), "/", "-"))
}

// documentOf returns what can be said of an image before what was added: what it is made
// from, and the program of another image in it.
func documentOf(img v1.Image) (*document, error) {
	doc, err := start(img)
	if err != nil {
		return nil, err
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	doc.CreationInfo.Created = spdxTime(cf.Created)
	doc.addBase(m.Annotations)
	return doc, doc.addProgram(cf.History, m.Layers)
}

// DescribeIndex is DescribeImage for an index of images that are described.
func (d *Documents) DescribeIndex(out cosign.SignedImageIndex, name string) (cosign.SignedImageIndex, error) {
	doc, err := documentOfIndex(out)
	if err != nil {
		return nil, err
	}
	file, err := doc.file()
	if err != nil {
		return nil, err
	}
	started, err := ocimutate.AttachFileToImageIndex(out, attachment, file)
	if err != nil {
		return nil, err
	}
	described, err := d.UpdateIndex(started, out)
	if err != nil {
		return nil, err
	}
	return described, d.keepOf(described, name+"-index")
}

func documentOfIndex(idx v1.ImageIndex) (*document, error) {
	doc, err := start(idx)
	if err != nil {
		return nil, err
	}
	im, err := idx.IndexManifest()
	if err != nil {
		return nil, err
	}
	doc.addBase(im.Annotations)
	for _, desc := range im.Manifests {
		img, err := idx.Image(desc.Digest)
		if err != nil {
			return nil, err
		}
		cf, err := img.ConfigFile()
		if err != nil {
			return nil, err
		}
		doc.CreationInfo.Created = max(doc.CreationInfo.Created, spdxTime(cf.Created))
		doc.relate("VARIANT_OF", imagePackage(desc.Digest, string(desc.MediaType), desc.Platform.String()))
	}
	return doc, nil
}

// keepOf has the SBOM of an image or index written.
func (d *Documents) keepOf(se cosign.SignedEntity, name string) error {
	if d.Dir == "" {
		return nil
	}
	f, err := se.Attachment(attachment)
	if err != nil {
		return err
	}
	document, err := f.Payload()
	if err != nil {
		return err
	}
	d.keep(filepath.Join(d.Dir, name+".spdx.json"), document)
	return nil
}

func start(d described) (*document, error) {
	digest, err := d.Digest()
	if err != nil {
		return nil, err
	}
	mt, err := d.MediaType()
	if err != nil {
		return nil, err
	}
	subject := imagePackage(digest, string(mt), "")
	return &document{
		ID:           "SPDXRef-DOCUMENT",
		Name:         "sbom-" + digest.String(),
		Version:      "SPDX-2.3",
		CreationInfo: spdxCreation{Creators: []string{}},
		DataLicense:  "CC0-1.0",
		Namespace:    "http://spdx.org/spdxdocs/kohealth/" + digest.String(),
		Describes:    []string{subject.ID},
		Packages:     []spdxPackage{subject},
		Relationships: []spdxRelationship{
			{Element: "SPDXRef-DOCUMENT", Type: "DESCRIBES", Related: subject.ID},
		},
	}, nil
}

// relate adds a package and what the subject is to it.
func (d *document) relate(how string, p spdxPackage) {
	d.Packages = append(d.Packages, p)
	d.Relationships = append(d.Relationships, spdxRelationship{Element: d.Describes[0], Type: how, Related: p.ID})
}

// addBase adds the original that annotations name.
func (d *document) addBase(annotations map[string]string) {
	digest, err := v1.NewHash(annotations[specs.AnnotationBaseImageDigest])
	if err != nil {
		return // there is no name for it
	}
	d.relate("DESCENDANT_OF", imagePackage(digest, "", annotations[specs.AnnotationBaseImageName]))
}

// addProgram adds the program of another image that the topmost layer holds.
func (d *document) addProgram(history []v1.History, layers []v1.Descriptor) error {
	comment := oci.FindMark(history, oci.ProgramMark)
	if comment == "" {
		return nil
	}
	if len(layers) == 0 {
		return fmt.Errorf("describing %s: there is no layer", comment)
	}
	digest := layers[len(layers)-1].Digest
	d.relate("CONTAINS", spdxPackage{
		ID:               "SPDXRef-Package-program",
		Name:             "program",
		LicenseDeclared:  noAssertion,
		LicenseConcluded: noAssertion,
		Description:      comment,
		DownloadLocation: noAssertion,
		SourceInfo:       "layer " + digest.String(),
		CopyrightText:    noAssertion,
		PrimaryPurpose:   "APPLICATION",
		Checksums:        checksum(digest),
		ExternalRefs:     []spdxRef{},
	})
	return nil
}

func (d *document) file() (cosign.File, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return static.NewFile(text, static.WithLayerMediaType(spdxMediaType))
}
