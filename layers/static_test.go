package layers_test

import (
	"archive/tar"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/ko-health/kohealth/layers"
)

// staticIndex is made once: it takes a second under the race detector.
var staticIndex = sync.OnceValues(layers.Static)

// static returns the embedded base and its images by platform.
func static(t *testing.T) (v1.ImageIndex, map[string]v1.Image) {
	t.Helper()
	index, err := staticIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	byPlatform := map[string]v1.Image{}
	for _, desc := range manifest.Manifests {
		img, err := index.Image(desc.Digest)
		if err != nil {
			t.Fatal(err)
		}
		byPlatform[desc.Platform.String()] = img
	}
	if len(byPlatform) != len(manifest.Manifests) {
		t.Errorf("%d images for %d platforms", len(manifest.Manifests), len(byPlatform))
	}
	return index, byPlatform
}

// staticLayer returns the files of the embedded base's one layer.
func staticLayer(t *testing.T) ([]*tar.Header, map[string]string) {
	t.Helper()
	_, byPlatform := static(t)
	ls, err := byPlatform["linux/amd64"].Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(ls) != 1 {
		t.Fatalf("%d layers, want 1", len(ls))
	}
	return readLayer(t, ls[0])
}

func TestStaticIsValidAndDeterministic(t *testing.T) {
	first, _ := static(t)
	if err := validate.Index(first); err != nil {
		t.Error(err)
	}
	second, err := layers.Static()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, first), digest(t, second); a != b {
		t.Errorf("digests differ: %v, %v", a, b)
	}
}

func TestStaticPlatforms(t *testing.T) {
	index, byPlatform := static(t)
	want := []string{
		"linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64",
		"linux/loong64", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(byPlatform))); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	if mt, err := index.MediaType(); err != nil || mt != types.OCIImageIndex {
		t.Errorf("MediaType() = %q, %v", mt, err)
	}
	layerDigests := map[v1.Hash]bool{}
	for platform, img := range byPlatform {
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Platform().String(); got != platform {
			t.Errorf("image for %s has config of %s", platform, got)
		}
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		got := []types.MediaType{manifest.MediaType, manifest.Config.MediaType, manifest.Layers[0].MediaType}
		if diff := cmp.Diff([]types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}, got); diff != "" {
			t.Errorf("%s: media types (-want +got):\n%s", platform, diff)
		}
		layerDigests[manifest.Layers[0].Digest] = true
	}
	if len(layerDigests) != 1 {
		t.Errorf("%d different layers, want one for all platforms", len(layerDigests))
	}
}

func TestStaticConfig(t *testing.T) {
	_, byPlatform := static(t)
	img := byPlatform["linux/arm/v6"]
	got, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	diffID, err := layer[0].DiffID()
	if err != nil {
		t.Fatal(err)
	}
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	want := &v1.ConfigFile{
		OS: "linux", Architecture: "arm", Variant: "v6", Created: epoch,
		Config: v1.Config{
			User: "65532",
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin",
				"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
			},
		},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		History: []v1.History{{
			Author: "kohealth-static", Created: epoch,
			CreatedBy: "kohealth.local/static", Comment: "users, CA certificates, time zones",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestStaticTree(t *testing.T) {
	headers, _ := staticLayer(t)
	got := map[string]entry{}
	for _, h := range headers {
		if _, ok := got[h.Name]; ok {
			t.Errorf("%s: twice", h.Name)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: time %v, want the epoch", h.Name, h.ModTime)
		}
		got[h.Name] = entry{h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, ""}
	}
	for _, want := range []entry{
		{Name: "tmp/", Type: tar.TypeDir, Mode: 0o1777},
		{Name: "var/tmp/", Type: tar.TypeDir, Mode: 0o1777},
		{Name: "root/", Type: tar.TypeDir, Mode: 0o700},
		{Name: "home/nonroot/", Type: tar.TypeDir, Mode: 0o700, UID: 65532, GID: 65532},
		{Name: "run/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "bin", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "usr/bin"},
		{Name: "lib64", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "usr/lib"},
		{Name: "etc/passwd", Type: tar.TypeReg, Mode: 0o644},
		{Name: "etc/ssl/cert.pem", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "certs/ca-certificates.crt"},
		{Name: "usr/share/zoneinfo/Europe/", Type: tar.TypeDir, Mode: 0o755},
	} {
		if diff := cmp.Diff(want, got[want.Name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
}

// Every file has its directories before it in the layer, none of them a link: what
// runtimes do otherwise differs.
func TestStaticParents(t *testing.T) {
	headers, _ := staticLayer(t)
	dirs := map[string]bool{"": true}
	for _, h := range headers {
		name := strings.TrimSuffix(h.Name, "/")
		parent := name[:strings.LastIndex(name, "/")+1]
		if !dirs[parent] {
			t.Errorf("%s stands before its directory %q", h.Name, parent)
		}
		if h.Typeflag == tar.TypeDir {
			dirs[h.Name] = true
		}
	}
}

func TestStaticUsers(t *testing.T) {
	_, contents := staticLayer(t)
	users := map[string]string{}
	for line := range strings.Lines(contents["etc/passwd"]) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) != 7 {
			t.Fatalf("passwd line %q has %d fields, want 7", line, len(f))
		}
		users[f[0]] = strings.Join([]string{f[2], f[3], f[5]}, " ")
	}
	want := map[string]string{
		"root":    "0 0 /root",
		"nobody":  "65534 65534 /nonexistent",
		"nonroot": "65532 65532 /home/nonroot",
	}
	if diff := cmp.Diff(want, users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	groups := map[string]string{}
	for line := range strings.Lines(contents["etc/group"]) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) != 4 {
			t.Fatalf("group line %q has %d fields, want 4", line, len(f))
		}
		groups[f[0]] = f[2]
	}
	if diff := cmp.Diff(map[string]string{"root": "0", "nobody": "65534", "nonroot": "65532"}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestStaticSystemFiles(t *testing.T) {
	_, contents := staticLayer(t)
	if got := contents["etc/nsswitch.conf"]; got != "hosts: files dns\n" {
		t.Errorf("nsswitch.conf = %q", got)
	}
	release := map[string]string{}
	for line := range strings.Lines(contents["etc/os-release"]) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		release[key] = strings.Trim(value, `"`)
	}
	want := map[string]string{
		"ID": "kohealth-static", "NAME": "kohealth static", "PRETTY_NAME": "kohealth static base",
		"HOME_URL": "https://github.com/ko-health/kohealth",
	}
	if diff := cmp.Diff(want, release); diff != "" {
		t.Errorf("os-release (-want +got):\n%s", diff)
	}
}

func TestStaticCertificates(t *testing.T) {
	_, contents := staticLayer(t)
	data := []byte(contents["etc/ssl/certs/ca-certificates.crt"])
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		t.Fatal("no certificate in the bundle")
	}
	got := map[string]bool{}
	subjects := map[string]bool{}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got[string(cert.Raw)] = true
		subjects[cert.Subject.String()] = true
	}
	if isrg := "CN=ISRG Root X1,O=Internet Security Research Group,C=US"; !subjects[isrg] {
		t.Errorf("%s is missing", isrg)
	}
	want := 0
	for root := range bundle.Roots() {
		if has, trusted := got[string(root.Certificate)], root.Constraint == nil; has != trusted {
			t.Errorf("a root trusted without restriction (%v) is in the bundle (%v)", trusted, has)
		} else if trusted {
			want++
		}
	}
	if len(got) != want {
		t.Errorf("%d certificates, want %d", len(got), want)
	}
	for line := range strings.Lines(string(data)) {
		if len(line) > 200 {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
}

func TestStaticTimeZones(t *testing.T) {
	_, contents := staticLayer(t)
	berlin, err := time.LoadLocationFromTZData("Europe/Berlin", []byte(contents["usr/share/zoneinfo/Europe/Berlin"]))
	if err != nil {
		t.Fatal(err)
	}
	got := time.Unix(1_750_000_000, 0).In(berlin).Format("2006-01-02 15:04 MST")
	if want := "2025-06-15 17:06 CEST"; got != want {
		t.Errorf("time in Berlin = %q, want %q", got, want)
	}
	n := 0
	for name, content := range contents {
		if strings.HasPrefix(name, "usr/share/zoneinfo/") && content != "" {
			n++
		}
	}
	if n < 500 {
		t.Errorf("%d time zones, want all of the world's", n)
	}
}

func BenchmarkStatic(b *testing.B) {
	for b.Loop() {
		index, err := layers.Static()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := index.Digest(); err != nil {
			b.Fatal(err)
		}
	}
}
