package builder

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/static"
)

// An spdxDocument is an SBOM in the shape of ko's, of an image that ko did not build.
//
// https://spdx.github.io/spdx-spec/v2.3/document-creation-information/
type spdxDocument struct {
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

// describe attaches an image's SBOM: ko's, brought up to date, or one of what was added
// to an original.
func (r *rewriter) describe(old, out oci.SignedImage, platform v1.Platform, a added) (oci.SignedImage, error) {
	if r.original == nil {
		return r.imageSBOM(old, out, a)
	}
	if r.original.SBOM == "" || a.kept {
		return out, nil
	}
	doc, err := startDocument(out)
	if err != nil {
		return nil, err
	}
	cf, err := out.ConfigFile()
	if err != nil {
		return nil, err
	}
	m, err := out.Manifest()
	if err != nil {
		return nil, err
	}
	doc.CreationInfo.Created = spdxTime(cf.Created)
	doc.addBase(m.Annotations)
	if err := doc.addProgram(cf.History, m.Layers); err != nil {
		return nil, err
	}
	file, err := doc.file()
	if err != nil {
		return nil, err
	}
	started, err := ocimutate.AttachFileToImage(out, sbomAttachment, file)
	if err != nil {
		return nil, err
	}
	described, err := r.imageSBOM(started, out, a)
	if err != nil {
		return nil, err
	}
	return described, r.keepDocument(described, strings.ReplaceAll(platform.String(), "/", "-"))
}

// describeIndex is describe for an index.
func (r *rewriter) describeIndex(old, out oci.SignedImageIndex) (build.Result, error) {
	if r.original == nil {
		return r.indexSBOM(old, out)
	}
	if r.original.SBOM == "" {
		return out, nil
	}
	doc, err := startDocument(out)
	if err != nil {
		return nil, err
	}
	im, err := out.IndexManifest()
	if err != nil {
		return nil, err
	}
	doc.addBase(im.Annotations)
	for _, desc := range im.Manifests {
		img, err := out.Image(desc.Digest)
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
	file, err := doc.file()
	if err != nil {
		return nil, err
	}
	started, err := ocimutate.AttachFileToImageIndex(out, sbomAttachment, file)
	if err != nil {
		return nil, err
	}
	described, err := r.indexSBOM(started, out)
	if err != nil {
		return nil, err
	}
	return described, r.keepDocument(described.(oci.SignedEntity), "index")
}

// keepDocument has an SBOM written where ko writes its own.
func (r *rewriter) keepDocument(se oci.SignedEntity, what string) error {
	if r.SBOMDir == "" {
		return nil
	}
	f, err := se.Attachment(sbomAttachment)
	if err != nil {
		return err
	}
	document, err := f.Payload()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.documents[filepath.Join(r.SBOMDir, r.original.SBOM+"-"+what+".spdx.json")] = document
	return nil
}

func startDocument(d described) (*spdxDocument, error) {
	digest, err := d.Digest()
	if err != nil {
		return nil, err
	}
	mt, err := d.MediaType()
	if err != nil {
		return nil, err
	}
	subject := imagePackage(digest, string(mt), "")
	return &spdxDocument{
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
func (d *spdxDocument) relate(how string, p spdxPackage) {
	d.Packages = append(d.Packages, p)
	d.Relationships = append(d.Relationships, spdxRelationship{Element: d.Describes[0], Type: how, Related: p.ID})
}

// addBase adds the original that annotations name.
func (d *spdxDocument) addBase(annotations map[string]string) {
	digest, err := v1.NewHash(annotations[specs.AnnotationBaseImageDigest])
	if err != nil {
		return // there is no name for it
	}
	d.relate("DESCENDANT_OF", imagePackage(digest, "", annotations[specs.AnnotationBaseImageName]))
}

// addProgram adds the program of another image that the topmost layer holds.
func (d *spdxDocument) addProgram(history []v1.History, layers []v1.Descriptor) error {
	i := slices.IndexFunc(history, func(h v1.History) bool { return isOurs(h) && strings.HasPrefix(h.Comment, programComment) })
	if i < 0 {
		return nil
	}
	if len(layers) == 0 {
		return fmt.Errorf("describing %s: there is no layer", history[i].Comment)
	}
	digest := layers[len(layers)-1].Digest
	d.relate("CONTAINS", spdxPackage{
		ID:               "SPDXRef-Package-program",
		Name:             "program",
		LicenseDeclared:  noAssertion,
		LicenseConcluded: noAssertion,
		Description:      history[i].Comment,
		DownloadLocation: noAssertion,
		SourceInfo:       "layer " + digest.String(),
		CopyrightText:    noAssertion,
		PrimaryPurpose:   "APPLICATION",
		Checksums:        checksum(digest),
		ExternalRefs:     []spdxRef{},
	})
	return nil
}

func (d *spdxDocument) file() (oci.File, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return static.NewFile(text, static.WithLayerMediaType(spdxMediaType))
}
