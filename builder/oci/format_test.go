package oci

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
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
