package sbom

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
	cosign "github.com/sigstore/cosign/v3/pkg/oci"
	ocimutate "github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/signed"
	"github.com/sigstore/cosign/v3/pkg/oci/static"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers/apk"
)

var amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}

func image(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(16, 2)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func layer(t *testing.T) v1.Layer {
	t.Helper()
	l, err := random.Layer(8, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func digest(t *testing.T, of described) string {
	t.Helper()
	h, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// payload returns the document that is attached.
func payload(t *testing.T, se cosign.SignedEntity) string {
	t.Helper()
	f, err := se.Attachment(attachment)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Payload()
	if err != nil {
		t.Fatal(err)
	}
	mt, err := f.FileMediaType()
	if err != nil || mt != spdxMediaType {
		t.Errorf("the document's type is %q, %v", mt, err)
	}
	return string(text)
}

// A parsed document has what the tests look at.
type parsed struct {
	CreationInfo struct {
		Created  string
		Creators []string
	}
	Packages      []struct{ Name, SPDXID string }
	Relationships []struct{ SpdxElementID, RelationshipType, RelatedSpdxElement string }
}

func parse(t *testing.T, text string) (p parsed) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

// contains returns the identifiers of what the document's subject has this relation to.
func (p parsed) contains(how string) (ids []string) {
	for _, r := range p.Relationships {
		if r.RelationshipType == how {
			ids = append(ids, r.RelatedSpdxElement)
		}
	}
	return ids
}

// ko returns an image as ko emits it, whose document names its digest.
func ko(t *testing.T, img v1.Image) cosign.SignedImage {
	t.Helper()
	text := `{"name":"` + digest(t, img) + `","creationInfo":{"creators":["Tool: ko"]},"packages":[],"relationships":[]}`
	f, err := static.NewFile([]byte(text), static.WithLayerMediaType(spdxMediaType))
	if err != nil {
		t.Fatal(err)
	}
	out, err := ocimutate.AttachFileToImage(signed.Image(img), attachment, f)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdateImage(t *testing.T) {
	dir := t.TempDir()
	old, out := ko(t, image(t)), signed.Image(image(t))
	file := filepath.Join(dir, "app.spdx.json")
	other := filepath.Join(dir, "other.spdx.json")
	notes := filepath.Join(dir, "notes.txt")
	for name, text := range map[string]string{file: payload(t, old), other: "{}", notes: payload(t, old)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := &Documents{Version: "v1", Dir: dir}
	added := equip.Added{Probe: layer(t), Packages: layer(t), List: []*apk.Package{{Name: "curl", Version: "8"}}}
	got, err := d.UpdateImage(old, out, added)
	if err != nil {
		t.Fatal(err)
	}
	text := payload(t, got)
	if strings.Contains(text, strings.TrimPrefix(digest(t, old), "sha256:")) || !strings.Contains(text, digest(t, out)) {
		t.Errorf("the document is not of %s:\n%s", digest(t, out), text)
	}
	p := parse(t, text)
	if diff := cmp.Diff([]string{"Tool: ko", "Tool: kohealth v1"}, p.CreationInfo.Creators); diff != "" {
		t.Errorf("creators (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"SPDXRef-Package-kohealth-probe", "SPDXRef-Package-apk-curl-8"}, p.contains("CONTAINS")); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	holds := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if holds(file) != payload(t, old) {
		t.Error("the file is written before all is done")
	}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	if holds(file) != text || holds(other) != "{}" || holds(notes) != payload(t, old) {
		t.Error("not the one file of this document is replaced")
	}
}

// TestUpdateWithout leaves images without a document as they are.
func TestUpdateWithout(t *testing.T) {
	d := &Documents{Dir: t.TempDir()}
	out := signed.Image(image(t))
	got, err := d.UpdateImage(signed.Image(image(t)), out, equip.Added{Probe: layer(t)})
	if err != nil || got != out {
		t.Errorf("another image, %v", err)
	}
	idx := signed.ImageIndex(empty.Index)
	if got, err := d.UpdateIndex(signed.ImageIndex(empty.Index), idx); err != nil || got != idx {
		t.Errorf("another index, %v", err)
	}
	if err := d.Write(); err != nil {
		t.Error(err)
	}
}

// original returns an image that Base has made from example.com/original, with a program.
func original(t *testing.T) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(image(t), &v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		History: []v1.History{{}, {Author: health.Author, Comment: oci.ProgramMark + " of x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mutate.Annotations(img, map[string]string{
		specs.AnnotationBaseImageName: "example.com/original", specs.AnnotationBaseImageDigest: "sha256:" + strings.Repeat("a", 64),
	}).(v1.Image)
}

func TestDescribeImage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	d := &Documents{Version: "v1", Dir: dir}
	out := signed.Image(original(t))
	got, err := d.DescribeImage(out, "app", amd64, equip.Added{Probe: layer(t)})
	if err != nil {
		t.Fatal(err)
	}
	text := payload(t, got)
	p := parse(t, text)
	for how, want := range map[string][]string{
		"DESCRIBES":     {"SPDXRef-Package-" + strings.ReplaceAll(digest(t, out), ":", "-")},
		"DESCENDANT_OF": {"SPDXRef-Package-sha256-" + strings.Repeat("a", 64)},
		"CONTAINS":      {"SPDXRef-Package-program", "SPDXRef-Package-kohealth-probe"},
	} {
		if diff := cmp.Diff(want, p.contains(how)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "app-linux-amd64.spdx.json")); err != nil || string(data) != text {
		t.Errorf("the file holds %.20q, %v", data, err)
	}
}

func TestDescribeIndex(t *testing.T) {
	dir := t.TempDir()
	d := &Documents{Version: "v1", Dir: dir}
	img := original(t)
	idx := signed.ImageIndex(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &amd64}}))
	got, err := d.DescribeIndex(idx, "app")
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, payload(t, got))
	if diff := cmp.Diff([]string{"SPDXRef-Package-" + strings.ReplaceAll(digest(t, img), ":", "-")}, p.contains("VARIANT_OF")); diff != "" {
		t.Errorf("variants (-want +got):\n%s", diff)
	}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "app-index.spdx.json")); err != nil {
		t.Error(err)
	}
	// What has a document is brought up to date like ko's.
	after := signed.ImageIndex(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image(t), Descriptor: v1.Descriptor{Platform: &amd64}}))
	updated, err := d.UpdateIndex(got, after)
	if err != nil {
		t.Fatal(err)
	}
	text := payload(t, updated)
	im, err := after.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{digest(t, after), im.Manifests[0].Digest.String()} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, strings.TrimPrefix(digest(t, img), "sha256:")) {
		t.Errorf("the old image is still in\n%s", text)
	}
}

// TestWriteFails checks that a document that cannot be written is an error.
func TestWriteFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "in")} {
		d := &Documents{Dir: dir}
		d.keep(filepath.Join(dir, "app.spdx.json"), []byte("{}"))
		if err := d.Write(); err == nil || !strings.HasPrefix(err.Error(), "writing SBOM") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestDrop(t *testing.T) {
	dir := t.TempDir()
	img := ko(t, image(t))
	for name, text := range map[string]string{"app.spdx.json": payload(t, img), "app.txt": payload(t, img), "other.spdx.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Drop("", img)
	Drop(dir, nil)
	Drop(dir, signed.Image(image(t)))
	left := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return slices.Clip(names)
	}
	if diff := cmp.Diff([]string{"app.spdx.json", "app.txt", "other.spdx.json"}, left()); diff != "" {
		t.Errorf("files of other results (-want +got):\n%s", diff)
	}
	Drop(dir, img)
	if diff := cmp.Diff([]string{"app.txt", "other.spdx.json"}, left()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
