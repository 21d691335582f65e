package builder

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers/apk"
)

func tarNames(t *testing.T, l v1.Layer) (names []string) {
	t.Helper()
	rc, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

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
		got, err := tt.format.mediaType(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q.mediaType(%q) = %q, %v; want %q", tt.format, tt.in, got, err, tt.want)
		}
	}
}

func TestFindKo(t *testing.T) {
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
			s := &stack{layers: make([]v1.Layer, tt.layers), history: tt.history}
			err := s.findKo()
			if tt.layer < 0 {
				if err == nil {
					t.Error("no error")
				}
				return
			}
			if err != nil || s.koLayer != tt.layer || s.koEntry != tt.entry {
				t.Errorf("layer %d, entry %d, %v; want %d, %d", s.koLayer, s.koEntry, err, tt.layer, tt.entry)
			}
		})
	}
}

func TestSBOMEdit(t *testing.T) {
	hash := func(c string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(c, 64)} }
	e := &sbomEdit{version: "v1", image: hash("b")}
	e.added = []spdxPackage{probePackage("v1", hash("c")), apkPackage(&apk.Package{
		Name: "libstdc++", Version: "15.2.0-r1", Arch: "x86_64", License: "GPL-3.0-or-later WITH GCC-exception-3.1", Origin: "gcc",
	}, hash("d"))}
	e.replace(hash("a"), hash("b"))
	e.retype(types.OCIManifestSchema1, types.DockerManifestSchema2)
	old := `{"name":"sbom-sha256:` + hash("a").Hex + `","creationInfo":{"creators":["Tool: ko v0"]},` +
		`"packages":[{"SPDXID":"SPDXRef-Package-sha256-` + hash("a").Hex + `","p":"mediaType=application%2Fvnd.oci.image.manifest.v1%2Bjson"}],"relationships":[],"x":1}`
	got, err := e.apply([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name": "sbom-sha256:` + hash("b").Hex, `"Tool: ko v0"`, `"Tool: kohealth v1"`, `"x": 1`,
		`"SPDXRef-Package-kohealth-probe"`, `"layer sha256:` + hash("c").Hex, `"CONTAINS"`,
		`docker.distribution.manifest.v2%2Bjson`, `pkg:golang/github.com/ko-health/kohealth@v1#layers/probe`,
		`"SPDXRef-Package-apk-libstdc---15.2.0-r1"`, `pkg:apk/wolfi/libstdc%2B%2B@15.2.0-r1?arch=x86_64`, `"layer sha256:` + hash("d").Hex,
		`"licenseDeclared": "GPL-3.0-or-later WITH GCC-exception-3.1"`, `"built from gcc"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), hash("a").Hex) {
		t.Errorf("the old digest is still in\n%s", got)
	}
	for _, bad := range []string{"", "[]", `{"packages":{}}`, `{"creationInfo":1}`} {
		if _, err := e.apply([]byte(bad)); err == nil {
			t.Errorf("apply(%q) succeeds", bad)
		}
	}
}

func TestRawConfigRefusesNonsense(t *testing.T) {
	for _, raw := range []string{"", "[]", `"x"`} {
		if _, err := parseRawConfig([]byte(raw)); err == nil {
			t.Errorf("parseRawConfig(%q) succeeds", raw)
		}
	}
	c, err := parseRawConfig([]byte(`{"config":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.setHealthcheck(1); err == nil {
		t.Error("a config that is a list is taken")
	}
	c, err = parseRawConfig([]byte(`{"config":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.setHealthcheck(1); err != nil {
		t.Errorf("a config that is null: %v", err)
	}
}

// TestLinkTools checks which names an image gets that has a busybox without links.
func TestLinkTools(t *testing.T) {
	image := rootfs.New(nil).Clone()
	for _, dir := range []string{"/usr", "/usr/bin"} {
		image.Put(dir, fs.ModeDir|0o755, "")
	}
	image.Put("/bin", fs.ModeSymlink|0o777, "usr/bin")
	image.Put("/usr/bin/busybox-static", 0o755, "")
	image.Put("/usr/bin/wget", 0o755, "")
	links, err := linkTools(image)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range links {
		got[l.Path] = l.Linkname
	}
	want := map[string]string{"/usr/bin/sh": "/usr/bin/busybox-static", "/usr/bin/curl": health.ProbePath}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
