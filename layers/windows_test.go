package layers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers"
)

func TestForWindows(t *testing.T) {
	layer, err := layers.Layer(layers.ForWindows(layers.File{Path: `C:\file.exe`, Mode: 0o555, Content: []byte("x")}), types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	headers, contents := readLayer(t, layer)
	var names []string
	for _, h := range headers {
		names = append(names, h.Name+" "+h.PAXRecords["MSWINDOWS.rawsd"])
	}
	want := []string{"Files ", "Files/file.exe AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==", "Hives "}
	if diff := cmp.Diff(want, names); diff != "" || contents["Files/file.exe"] != "x" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
