package oci

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/layers"
)

// layerOf returns a layer of a file of this name.
func layerOf(t testing.TB, name string) v1.Layer {
	t.Helper()
	l, err := layers.Layer([]layers.File{{Path: "/" + name, Mode: 0o644}}, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// imageOf returns an image of layers with exactly this config, but for rootfs.
func imageOf(t testing.TB, config map[string]any, names ...string) v1.Image {
	t.Helper()
	m := &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: v1.Descriptor{MediaType: types.OCIConfigJSON}}
	var all []v1.Layer
	diffIDs := []v1.Hash{}
	for _, name := range names {
		l := layerOf(t, name)
		desc, err := partial.Descriptor(l)
		if err != nil {
			t.Fatal(err)
		}
		diffID, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		all, m.Layers, diffIDs = append(all, l), append(m.Layers, *desc), append(diffIDs, diffID)
	}
	config["rootfs"] = v1.RootFS{Type: "layers", DiffIDs: diffIDs}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	img, err := New(m, raw, all)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func read(t testing.TB, img v1.Image) *Image {
	t.Helper()
	i, err := Read(img)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func assemble(t testing.TB, i *Image, f Format) v1.Image {
	t.Helper()
	out, err := i.Assemble(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(out); err != nil && f != DockerFormat { // whose layers are still OCI's
		t.Error(err)
	}
	return out
}

// comments returns the history's comments, and creators of marks.
func comments(t testing.TB, img v1.Image) (list []string) {
	t.Helper()
	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range cf.History {
		if IsMark(h) {
			h.Comment += " by " + h.CreatedBy
		}
		list = append(list, h.Comment)
	}
	return list
}

// digests returns those of the layers of these names.
func digests(t testing.TB, names ...string) (list []v1.Hash) {
	t.Helper()
	for _, name := range names {
		h, err := layerOf(t, name).Digest()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, h)
	}
	return list
}

func layersIn(t testing.TB, img v1.Image) (list []v1.Hash) {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Layers {
		list = append(list, l.Digest)
	}
	return list
}

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
		{"base has no layers", 2, []v1.History{kodata, binary}, 0, 0},
		{"base is ko's", 5, []v1.History{{}, kodata, binary, kodata, binary}, 3, 3},
		{"with debugger", 4, []v1.History{{}, kodata, binary, ko("Delve debugger, at /ko-app/dlv")}, 1, 1},
		{"another's kodata", 1, []v1.History{{Author: "me", Comment: kodata.Comment}}, -1, -1},
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

// TestInsert puts layers between those of the base and ko's, and takes them out again.
func TestInsert(t *testing.T) {
	history := []v1.History{{Comment: "base"}, {Author: "ko", Comment: "kodata contents"}, {Author: "ko", Comment: "app"}}
	img := imageOf(t, map[string]any{"history": history, "x": 1}, "base", "kodata", "app")
	i := read(t, img)
	if err := i.SplitAtKo(); err != nil {
		t.Fatal(err)
	}
	if i.HasMarks() {
		t.Error("there are marks before the first")
	}
	for _, name := range []string{"probe", "args"} {
		if err := i.Insert(layerOf(t, name), name); err != nil {
			t.Fatal(err)
		}
	}
	if base := i.Base(); len(base) != 3 {
		t.Errorf("the base has %d layers, want 3", len(base))
	}
	if !i.HasMarks() || i.MadeByBase() {
		t.Error("marks are not found, or are another command's")
	}
	out := assemble(t, i, KeepFormat)
	if diff := cmp.Diff(digests(t, "base", "probe", "args", "kodata", "app"), layersIn(t, out)); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"base", "probe by kohealth build", "args by kohealth build", "kodata contents", "app"}, comments(t, out)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	app, err := AppLayers(out)
	if err != nil || len(app) != 2 {
		t.Errorf("%d layers of the app, %v", len(app), err)
	}
	again := read(t, out)
	if err := again.SplitAtKo(); err != nil {
		t.Fatal(err)
	}
	again.DropMarked()
	if got, want := assemble(t, again, KeepFormat), img; !sameDigest(t, got, want) {
		t.Errorf("another image after the marked layers are dropped: %v", comments(t, got))
	}
}

func sameDigest(t testing.TB, a, b v1.Image) bool {
	t.Helper()
	one, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return one == other
}

// TestDropMarked takes images of which marks say too little: their layers stay.
func TestDropMarked(t *testing.T) {
	ours := v1.History{Author: health.Author, Comment: ProbeMark}
	for name, tt := range map[string]struct {
		history []v1.History
		layers  []string
		want    []string
	}{
		"whole":          {[]v1.History{{}, ours, {}}, []string{"a", "probe", "b"}, []string{"a", "b"}},
		"all":            {[]v1.History{ours, ours}, []string{"probe", "args"}, nil},
		"empty entries":  {[]v1.History{{}, {EmptyLayer: true}, ours, {EmptyLayer: true}}, []string{"a", "probe"}, []string{"a"}},
		"empty mark":     {[]v1.History{{}, {Author: health.Author, EmptyLayer: true}}, []string{"a"}, []string{"a"}},
		"none":           {[]v1.History{{}, {}}, []string{"a", "b"}, []string{"a", "b"}},
		"entry too many": {[]v1.History{{}, ours, {}, {}}, []string{"a", "probe", "b"}, []string{"a", "probe", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			i := read(t, imageOf(t, map[string]any{"history": tt.history}, tt.layers...))
			i.DropMarked()
			if diff := cmp.Diff(digests(t, tt.want...), layersIn(t, assemble(t, i, KeepFormat))); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			if stays := name == "entry too many"; i.HasMarks() != stays {
				t.Errorf("has marks: %v", i.HasMarks())
			}
		})
	}
}

// TestHasMoreThanProbe adds to what base makes, whose own mark is no layer.
func TestHasMoreThanProbe(t *testing.T) {
	i := read(t, imageOf(t, map[string]any{}, "a"))
	i.SplitAtTop()
	for _, mark := range []string{ProbeMark, ArgumentsMark} {
		if err := i.Insert(layerOf(t, mark), mark); err != nil {
			t.Fatal(err)
		}
	}
	i.MarkBase()
	if i.HasMoreThanProbe() {
		t.Error("the mark that base leaves is taken for a layer")
	}
	if err := i.Insert(layerOf(t, "program"), ProgramMark); err != nil {
		t.Fatal(err)
	}
	if !i.HasMoreThanProbe() {
		t.Error("another program is taken for the probe")
	}
}

// TestSplitAtTop gives a history to layers that have none.
func TestSplitAtTop(t *testing.T) {
	i := read(t, imageOf(t, map[string]any{"history": []v1.History{{Comment: "known"}, {Comment: "empty", EmptyLayer: true}}}, "a", "b", "c"))
	i.SplitAtTop()
	if err := i.Insert(layerOf(t, "probe"), ProbeMark); err != nil {
		t.Fatal(err)
	}
	if i.HasMoreThanProbe() {
		t.Error("the probe's layer is more than the probe")
	}
	if err := i.Insert(layerOf(t, "packages"), "packages"); err != nil {
		t.Fatal(err)
	}
	if !i.HasMoreThanProbe() {
		t.Error("packages are no more than the probe")
	}
	i.MarkBase()
	out := assemble(t, i, KeepFormat)
	want := []string{"", "", "known", "empty", "health check probe by kohealth base", "packages by kohealth base", "health check by kohealth base"}
	if diff := cmp.Diff(want, comments(t, out)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if !read(t, out).MadeByBase() {
		t.Error("what base has made is not known again")
	}
	i.mark(v1.History{Author: "me"})
	i.history[len(i.history)-1].Author = "me"
	if i.MadeByBase() {
		t.Error("what somebody has added to is taken for base's")
	}
}

// TestMarkDates checks that a mark has the date of the entry before it or, without one, of
// the image.
func TestMarkDates(t *testing.T) {
	day := func(n int) v1.Time { return v1.Time{Time: time.Date(2020, 1, n, 0, 0, 0, 0, time.UTC)} }
	for name, tt := range map[string]struct {
		history []v1.History
		want    v1.Time
	}{
		"no history":         {nil, day(1)},
		"history":            {[]v1.History{{Created: day(2), EmptyLayer: true}, {Created: day(3), EmptyLayer: true}}, day(3)},
		"history says no":    {[]v1.History{{EmptyLayer: true}}, day(1)},
		"only the last says": {[]v1.History{{EmptyLayer: true}, {Created: day(4), EmptyLayer: true}}, day(4)},
	} {
		i := read(t, imageOf(t, map[string]any{"created": day(1), "history": tt.history}))
		i.SplitAtTop()
		i.MarkBase()
		if got := i.history[len(i.history)-1].Created; !got.Equal(tt.want.Time) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestUTC checks which dates take the form of UTC: those that ko wrote.
func TestUTC(t *testing.T) {
	zone := time.FixedZone("", 3600)
	base, app := time.Date(2020, 1, 1, 0, 0, 0, 0, zone), time.Date(2021, 1, 1, 0, 0, 0, 0, zone)
	for name, tt := range map[string]struct{ created, want any }{
		"ko's date":       {app, "2020-12-31T23:00:00Z"},
		"of the base":     {base, "2020-01-01T00:00:00+01:00"},
		"none":            {nil, nil},
		"the year one":    {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		"not a date":      {7, 7.0},
		"ko's in UTC too": {app.UTC(), "2020-12-31T23:00:00Z"},
	} {
		i := read(t, &exactConfig{imageOf(t, map[string]any{"history": []v1.History{
			{Created: v1.Time{Time: base}},
			{Author: "ko", Comment: "kodata contents", Created: v1.Time{Time: app}},
			{Author: "ko", Comment: "go build output", Created: v1.Time{Time: app}},
		}}, "base", "kodata", "app"), tt.created})
		if err := i.SplitAtKo(); err != nil {
			t.Fatal(err)
		}
		if err := i.UTC(); err != nil {
			t.Fatal(err)
		}
		var got any
		if raw, ok := i.Config["created"]; ok {
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: created (-want +got):\n%s", name, diff)
		}
		if _, offset := i.history[0].Created.Zone(); offset != 3600 {
			t.Errorf("%s: the base's date is %s", name, i.history[0].Created)
		}
		for _, h := range i.history[1:] {
			if _, offset := h.Created.Zone(); offset != 0 {
				t.Errorf("%s: ko's date is %s", name, h.Created)
			}
		}
	}
}

// exactConfig has a "created" in its raw config that no struct need hold.
type exactConfig struct {
	v1.Image
	created any
}

func (e *exactConfig) RawConfigFile() ([]byte, error) {
	raw, err := e.Image.RawConfigFile()
	if err != nil || e.created == nil {
		return raw, err
	}
	created, err := json.Marshal(e.created)
	return bytes.Replace(raw, []byte(`{`), []byte(`{"created":`+string(created)+`,`), 1), err
}

// TestAssembleFormats checks the media types of all parts.
func TestAssembleFormats(t *testing.T) {
	oci := []types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}
	docker := []types.MediaType{types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer}
	for f, want := range map[Format][]types.MediaType{KeepFormat: oci, OCIFormat: oci, DockerFormat: docker} {
		out := assemble(t, read(t, imageOf(t, map[string]any{}, "a")), f)
		m, err := out.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		mt, err := out.MediaType()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, []types.MediaType{m.MediaType, m.Config.MediaType, m.Layers[0].MediaType}); diff != "" || mt != m.MediaType {
			t.Errorf("%q: %s (-want +got):\n%s", f, mt, diff)
		}
	}
	for _, part := range []func(*Image) *types.MediaType{
		func(i *Image) *types.MediaType { return &i.Manifest.MediaType },
		func(i *Image) *types.MediaType { return &i.Manifest.Config.MediaType },
		func(i *Image) *types.MediaType { return &i.descs[0].MediaType },
	} {
		i := read(t, imageOf(t, map[string]any{}, "a"))
		*part(i) = "application/x"
		if _, err := i.Assemble(DockerFormat); err == nil {
			t.Error("a type that nobody knows is converted")
		}
	}
}

// TestManifestWithoutType takes a manifest as OCI allows it, and has it converted.
func TestManifestWithoutType(t *testing.T) {
	img := imageOf(t, map[string]any{}, "a")
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m.MediaType = ""
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	img.(*exact).manifest = raw
	mt, err := assemble(t, read(t, img), DockerFormat).MediaType()
	if err != nil || mt != types.DockerManifestSchema2 {
		t.Errorf("type %q, %v", mt, err)
	}
}

// TestReadRefuses takes images whose parts do not belong together.
func TestReadRefuses(t *testing.T) {
	img := imageOf(t, map[string]any{}, "a", "b").(*exact)
	if _, err := New(&v1.Manifest{Layers: []v1.Descriptor{{}}}, nil, nil); err == nil {
		t.Error("a manifest of more layers than there are is taken")
	}
	for name, config := range map[string]string{
		"fewer diff_ids": `{"rootfs":{"type":"layers","diff_ids":[]}}`, "null": `null`, "no JSON": `{`,
	} {
		bad := *img
		bad.config = []byte(config)
		if _, err := Read(&bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	bad := *img
	bad.layers = bad.layers[:1]
	if _, err := Read(&bad); err == nil {
		t.Error("an image with a layer less than its manifest is taken")
	}
	bad.layers = []v1.Layer{img.layers[0], static.NewLayer([]byte("x"), types.OCILayer)}
	if _, err := Read(&bad); err == nil {
		t.Error("an image without a layer that its manifest names is taken")
	}
}

// TestReadGoesByManifest takes an image whose layers come in another order than its
// manifest says.
func TestReadGoesByManifest(t *testing.T) {
	img := imageOf(t, map[string]any{}, "a", "b").(*exact)
	swapped := *img
	swapped.layers = []v1.Layer{img.layers[1], img.layers[0]}
	assemble(t, read(t, &swapped), KeepFormat) // which holds the layers against the manifest
}

// TestExact asks an image for its parts by their names.
func TestExact(t *testing.T) {
	img := imageOf(t, map[string]any{"x": 1}, "a")
	name, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	l, err := img.LayerByDigest(name)
	if err != nil {
		t.Fatal(err)
	}
	if size, err := l.Size(); err != nil || size == 0 {
		t.Errorf("the config by its digest has %d bytes, %v", size, err)
	}
	diffID, err := layerOf(t, "a").DiffID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := img.LayerByDiffID(diffID); err != nil {
		t.Error(err)
	}
	for _, find := range []func(v1.Hash) (v1.Layer, error){img.LayerByDigest, img.LayerByDiffID} {
		if _, err := find(v1.Hash{Algorithm: "sha256", Hex: "00"}); err == nil {
			t.Error("a layer that is not there is found")
		}
	}
	m := &v1.Manifest{Config: v1.Descriptor{Data: []byte("old")}}
	data, err := New(m, []byte("{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := data.Manifest(); err != nil || string(got.Config.Data) != "{}" || got.Config.Size != 2 {
		t.Errorf("the config within the manifest is %q, %v", m.Config.Data, err)
	}
}

func TestFindMark(t *testing.T) {
	history := []v1.History{{Comment: ProgramMark}, {Author: health.Author, Comment: ProbeMark}, {Author: health.Author, Comment: ProgramMark + " of x"}}
	if got := FindMark(history, ProgramMark); got != ProgramMark+" of x" {
		t.Errorf("found %q", got)
	}
	if got := FindMark(history[:2], ProgramMark); got != "" {
		t.Errorf("found %q", got)
	}
}
