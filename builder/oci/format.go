package oci

import (
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
)

// A Format says which media types an image has: those of OCI, or Docker's. Podman
// reads a HEALTHCHECK only from images in Docker's format.
type Format string

const (
	KeepFormat   Format = "" // the base image's
	OCIFormat    Format = "oci"
	DockerFormat Format = "docker"
)

// ParseFormat parses "oci", "docker" or "", which keeps the base image's format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case KeepFormat, OCIFormat, DockerFormat:
		return f, nil
	}
	return "", hint.With(fmt.Errorf("parsing image format %q: unknown format", s), "the formats are oci and docker")
}

// mediaPairs holds the types that mean the same in both formats.
//
// https://github.com/opencontainers/image-spec/blob/main/media-types.md#compatibility-matrix
var mediaPairs = [...]struct{ oci, docker types.MediaType }{
	{types.OCIImageIndex, types.DockerManifestList},
	{types.OCIManifestSchema1, types.DockerManifestSchema2},
	{types.OCIConfigJSON, types.DockerConfigJSON},
	{types.OCILayer, types.DockerLayer},
	{types.OCIUncompressedLayer, types.DockerUncompressedLayer},
	{types.OCIRestrictedLayer, types.DockerForeignLayer},
}

// MediaType returns the type in the format that means what mt means.
func (f Format) MediaType(mt types.MediaType) (types.MediaType, error) {
	if f == KeepFormat {
		return mt, nil
	}
	for _, p := range mediaPairs {
		if mt != p.oci && mt != p.docker {
			continue
		}
		if f == OCIFormat {
			return p.oci, nil
		}
		return p.docker, nil
	}
	if f == DockerFormat && mt == types.OCILayerZStd {
		return "", hint.With(errors.New("converting a zstd layer to docker: the format has no type for it"),
			"leave --image-format out, or use a base with gzip layers")
	}
	return "", fmt.Errorf("converting media type %q to %s: unknown type", mt, f)
}

// LayerType is the type of a new layer beside a manifest of the type mt, which may
// be of either format.
func (f Format) LayerType(mt types.MediaType) (types.MediaType, error) {
	if f == KeepFormat && mt == types.DockerManifestSchema2 {
		return types.DockerLayer, nil
	}
	return f.MediaType(types.OCILayer)
}
