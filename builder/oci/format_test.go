package oci

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
)

func TestMediaType(t *testing.T) {
	for _, tt := range []struct {
		format   Format
		in, want types.MediaType // want "" is an error
	}{
		{KeepFormat, "application/x", "application/x"},
		{DockerFormat, types.OCIImageIndex, types.DockerManifestList},
		{DockerFormat, types.OCILayer, types.DockerLayer},
		{DockerFormat, types.DockerLayer, types.DockerLayer},
		{DockerFormat, types.OCIRestrictedLayer, types.DockerForeignLayer},
		{OCIFormat, types.DockerUncompressedLayer, types.OCIUncompressedLayer},
		{OCIFormat, types.DockerConfigJSON, types.OCIConfigJSON},
		{OCIFormat, types.OCILayer, types.OCILayer},
		{DockerFormat, types.OCILayerZStd, ""},
		{OCIFormat, "application/x", ""},
	} {
		got, err := tt.format.MediaType(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q.MediaType(%q) = %q, %v; want %q", tt.format, tt.in, got, err, tt.want)
		}
	}
}

// TestZstd checks that only Docker's format is said to lack zstd, with what to do.
func TestZstd(t *testing.T) {
	if _, err := DockerFormat.MediaType(types.OCILayerZStd); hint.Of(err) == "" {
		t.Errorf("no hint for zstd in Docker's format: %v", err)
	}
	for _, f := range []Format{OCIFormat, DockerFormat} {
		if _, err := f.MediaType("application/x"); err == nil || hint.Of(err) != "" {
			t.Errorf("%s: an unknown type is %v, with the hint %q", f, err, hint.Of(err))
		}
	}
}

func TestParseFormat(t *testing.T) {
	for s, want := range map[string]Format{"": KeepFormat, "oci": OCIFormat, "docker": DockerFormat} {
		if got, err := ParseFormat(s); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v", s, got, err)
		}
	}
	if _, err := ParseFormat("OCI"); err == nil {
		t.Error("a format that there is not is taken")
	}
}

func TestLayerType(t *testing.T) {
	for _, tt := range []struct {
		format   Format
		manifest types.MediaType
		want     types.MediaType
	}{
		{KeepFormat, types.DockerManifestSchema2, types.DockerLayer},
		{KeepFormat, types.OCIManifestSchema1, types.OCILayer},
		{OCIFormat, types.DockerManifestSchema2, types.OCILayer},
		{DockerFormat, types.OCIManifestSchema1, types.DockerLayer},
	} {
		if got, err := tt.format.LayerType(tt.manifest); got != tt.want || err != nil {
			t.Errorf("%q.LayerType(%q) = %q, %v; want %q", tt.format, tt.manifest, got, err, tt.want)
		}
	}
}
