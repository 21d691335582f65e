package sbom

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/layers/apk"
)

// The parts of SPDX 2.3 that our entries need, in the shape of ko's entries.
//
// https://spdx.github.io/spdx-spec/v2.3/package-information/
type (
	spdxPackage struct {
		ID               string         `json:"SPDXID"`
		Name             string         `json:"name"`
		Version          string         `json:"versionInfo,omitempty"`
		FilesAnalyzed    bool           `json:"filesAnalyzed"`
		LicenseDeclared  string         `json:"licenseDeclared"`
		LicenseConcluded string         `json:"licenseConcluded"`
		Description      string         `json:"description"`
		DownloadLocation string         `json:"downloadLocation"`
		SourceInfo       string         `json:"sourceInfo"`
		CopyrightText    string         `json:"copyrightText"`
		PrimaryPurpose   string         `json:"primaryPackagePurpose"`
		Checksums        []spdxChecksum `json:"checksums,omitempty"`
		ExternalRefs     []spdxRef      `json:"externalRefs"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxRef struct {
		Category string `json:"referenceCategory"`
		Locator  string `json:"referenceLocator"`
		Type     string `json:"referenceType"`
	}
	spdxRelationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const noAssertion = "NOASSERTION"

// imageID is how an image is called in its own SBOM.
func imageID(digest v1.Hash) string {
	return fmt.Sprintf("SPDXRef-Package-%s-%s", digest.Algorithm, digest.Hex)
}

func imagePackage(digest v1.Hash, mediaType, version string) spdxPackage {
	purl := "pkg:oci/image@" + url.PathEscape(digest.String())
	if mediaType != "" {
		purl += "?mediaType=" + url.QueryEscape(mediaType)
	}
	return spdxPackage{
		ID:               imageID(digest),
		Name:             digest.String(),
		Version:          version,
		LicenseDeclared:  noAssertion,
		LicenseConcluded: noAssertion,
		Description:      "container image",
		DownloadLocation: noAssertion,
		SourceInfo:       "manifest " + digest.String(),
		CopyrightText:    noAssertion,
		PrimaryPurpose:   "CONTAINER",
		Checksums:        checksum(digest),
		ExternalRefs:     []spdxRef{{Category: "PACKAGE-MANAGER", Locator: purl, Type: "purl"}},
	}
}

// probePackage describes the probe of a version of kohealth, and where it is.
func probePackage(version string, layer v1.Hash, at string) spdxPackage {
	const module = "github.com/ko-health/kohealth"
	return spdxPackage{
		ID:               "SPDXRef-Package-kohealth-probe",
		Name:             module + "/layers/probe",
		Version:          version,
		LicenseDeclared:  "Apache-2.0",
		LicenseConcluded: "Apache-2.0",
		Description:      "health check probe, at " + at,
		DownloadLocation: "https://" + module,
		SourceInfo:       "layer " + layer.String(),
		CopyrightText:    noAssertion,
		PrimaryPurpose:   "APPLICATION",
		Checksums:        checksum(layer),
		ExternalRefs: []spdxRef{{
			Category: "PACKAGE-MANAGER",
			Locator:  fmt.Sprintf("pkg:golang/%s@%s#layers/probe", module, url.PathEscape(version)),
			Type:     "purl",
		}},
	}
}

// notInID matches what an SPDX identifier cannot hold.
var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]`)

// apkPackage describes a package of Wolfi.
//
// https://github.com/package-url/purl-spec/blob/main/types-doc/apk-definition.md
func apkPackage(p *apk.Package, layer v1.Hash) spdxPackage {
	purl := fmt.Sprintf("pkg:apk/wolfi/%s@%s?arch=%s", url.QueryEscape(p.Name), url.QueryEscape(p.Version), url.QueryEscape(p.Arch))
	return spdxPackage{
		ID:               "SPDXRef-Package-apk-" + notInID.ReplaceAllString(p.Name+"-"+p.Version, "-"),
		Name:             p.Name,
		Version:          p.Version,
		LicenseDeclared:  cmp.Or(p.License, noAssertion),
		LicenseConcluded: noAssertion,
		Description:      "built from " + cmp.Or(p.Origin, p.Name),
		DownloadLocation: cmp.Or(p.URL, noAssertion),
		SourceInfo:       "layer " + layer.String(),
		CopyrightText:    noAssertion,
		PrimaryPurpose:   "APPLICATION",
		ExternalRefs:     []spdxRef{{Category: "PACKAGE-MANAGER", Locator: purl, Type: "purl"}},
	}
}

func checksum(h v1.Hash) []spdxChecksum {
	return []spdxChecksum{{strings.ToUpper(h.Algorithm), h.Hex}}
}

func spdxTime(t v1.Time) string { return t.UTC().Format(time.RFC3339) }
