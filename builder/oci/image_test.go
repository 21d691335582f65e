package oci

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestSplitAtKo(t *testing.T) {
	ko := func(comment string) v1.History { return v1.History{Author: "ko", Comment: comment} }
	kodata, binary := ko("kodata contents, at $KO_DATA_PATH"), ko("go build output, at /ko-app/app")
	for _, tt := range []struct {
		name         string
		layers       int
		history      []v1.History
		layer, entry int // -1: an error
	}{
		{"history of base is whole", 4, []v1.History{{}, {EmptyLayer: true}, {}, kodata, binary}, 2, 3},
		{"base has no history", 4, []v1.History{kodata, binary}, 2, 0},
		{"base is ko's", 5, []v1.History{{}, kodata, binary, kodata, binary}, 3, 3},
		{"with debugger", 4, []v1.History{{}, kodata, binary, ko("Delve debugger, at /ko-app/dlv")}, 1, 1},
		{"not ko's", 1, []v1.History{{}}, -1, -1},
		{"fewer layers than history", 1, []v1.History{kodata, binary}, -1, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := &Image{layers: make([]v1.Layer, tt.layers), history: tt.history}
			err := i.SplitAtKo()
			if tt.layer < 0 {
				if err == nil {
					t.Error("no error")
				}
				return
			}
			if err != nil || i.baseLayers != tt.layer || i.baseEntries != tt.entry {
				t.Errorf("layer %d, entry %d, %v; want %d, %d", i.baseLayers, i.baseEntries, err, tt.layer, tt.entry)
			}
		})
	}
}
