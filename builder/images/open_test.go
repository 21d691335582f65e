package images_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/images"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// image returns an image for a platform whose check names it.
func image(platform string) v1.Image {
	p := must(v1.ParsePlatform(platform))
	img := must(random.Image(64, 2))
	cf := must(img.ConfigFile()).DeepCopy()
	cf.OS, cf.Architecture, cf.Variant = p.OS, p.Architecture, p.Variant
	cf.Config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "/check", platform}, Interval: time.Second}
	return must(mutate.ConfigFile(img, cf))
}

// index returns an index of images, and in it an attestation as BuildKit writes it.
func index(platforms ...string) v1.ImageIndex {
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: must(random.Image(8, 1)),
		Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
		},
	})
	for _, p := range platforms {
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: image(p), Descriptor: v1.Descriptor{Platform: must(v1.ParsePlatform(p))}})
	}
	return idx
}

func newRegistry(t *testing.T) (host string) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func reference(s string) name.Reference { return must(name.ParseReference(s)) }

// checkOpens opens ref and looks which image it is.
func checkOpens(t *testing.T, ref, platform, want string) {
	t.Helper()
	o := images.Options{}
	if platform != "" {
		o.Platform = must(v1.ParsePlatform(platform))
	}
	img, err := images.New(context.Background(), ref, o)
	if err != nil {
		t.Error(err)
		return
	}
	defer img.Close()
	if diff := cmp.Diff([]string{"CMD", "/check", want}, img.Health.Test); diff != "" {
		t.Errorf("check of %s for %q (-want +got):\n%s", ref, platform, diff)
	}
	if img.Platform.String() != want {
		t.Errorf("platform of %s is %q, want %q", ref, img.Platform, want)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 2 {
		t.Errorf("layers of %s: %v, %v", ref, layers, err)
	}
}

func TestPlatforms(t *testing.T) {
	host := newRegistry(t)
	for _, tt := range []struct {
		have           []string
		platform, want string
	}{
		{[]string{"linux/arm64", "linux/amd64"}, "", "linux/amd64"},
		{[]string{"windows/amd64", "linux/s390x", "linux/arm64"}, "", "linux/s390x"},
		{[]string{"windows/amd64"}, "", "windows/amd64"},
		{[]string{"linux/amd64", "linux/arm/v6", "linux/arm/v7"}, "linux/arm/v7", "linux/arm/v7"},
		{[]string{"linux/amd64", "linux/arm/v6", "linux/arm/v7"}, "linux/arm", "linux/arm/v6"},
	} {
		ref := host + "/app:" + fmt.Sprint(len(tt.have))
		if err := remote.WriteIndex(reference(ref), index(tt.have...)); err != nil {
			t.Fatal(err)
		}
		checkOpens(t, ref, tt.platform, tt.want)
		checkOpens(t, "docker://"+ref, tt.platform, tt.want)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	one, two := image("linux/amd64"), image("linux/arm64")
	if err := tarball.WriteToFile("one.tar", reference("app"), one); err != nil {
		t.Fatal(err)
	}
	if err := tarball.MultiRefWriteToFile("two.tar", map[name.Reference]v1.Image{reference("app"): one, reference("example.com/b:v1"): two}); err != nil {
		t.Fatal(err)
	}
	single := must(layout.Write("single", empty.Index))
	if err := single.AppendIndex(index("linux/arm64", "linux/amd64")); err != nil {
		t.Fatal(err)
	}
	several := must(layout.Write("several:1", empty.Index)) // a colon may be in a name
	if err := several.AppendImage(one); err != nil {
		t.Fatal(err)
	}
	if err := several.ReplaceImage(two, match.Name("v1"), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "v1"})); err != nil {
		t.Fatal(err)
	}
	checkOpens(t, "one.tar", "", "linux/amd64")
	checkOpens(t, filepath.Join(dir, "one.tar"), "linux/amd64", "linux/amd64")
	checkOpens(t, "two.tar:index.docker.io/library/app:latest", "", "linux/amd64")
	checkOpens(t, "./two.tar:example.com/b:v1", "", "linux/arm64")
	checkOpens(t, "single", "", "linux/amd64")
	checkOpens(t, "single", "linux/arm64", "linux/arm64")
	checkOpens(t, "several:1:v1", "", "linux/arm64")
	checkOpens(t, "several:1@"+must(one.Digest()).String(), "", "linux/amd64")
	if _, err := layout.Write("split", index("linux/arm64", "linux/amd64")); err != nil {
		t.Fatal(err)
	}
	checkOpens(t, "split", "linux/arm64", "linux/arm64")

	for _, f := range []struct{ name, content string }{{"app", "\x7fELF"}, {"z.tgz", "\x1f\x8b\x08\x00"}, {"empty", ""}} {
		if err := os.WriteFile(f.name, []byte(f.content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkFails(t, "app", "", "manifest.json", "docker://NAME")
	checkFails(t, "z.tgz", "", "compressed", "gunzip")
	checkFails(t, "empty", "", "too short", "")
	checkFails(t, "two.tar", "", "there are 2 images", "two.tar:example.com/b:v1")
	checkFails(t, "two.tar:c", "", `no image with tag "c"`, "two.tar:example.com/b:v1")
	checkFails(t, "two.tar:?", "", `parsing tag "?"`, "")
	checkFails(t, "several:1", "", "there are 2 images", "several:1:v1")
	checkFails(t, "several:1:v2", "", `0 images "v2"`, "several:1:v1")
	checkFails(t, "one.tar", "linux/arm64", `no image for platform "linux/arm64"`, "there is linux/amd64")
	checkFails(t, "single", "linux/ppc64le", `no image for platform "linux/ppc64le"`, "there is linux/arm64, linux/amd64")
	checkFails(t, "./nowhere", "", "no such file", "")
	checkFails(t, "", "", "the name is empty", "")
}

func checkFails(t *testing.T, ref, platform, want, wantHint string) {
	t.Helper()
	o := images.Options{}
	if platform != "" {
		o.Platform = must(v1.ParsePlatform(platform))
	}
	_, err := images.New(context.Background(), ref, o)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(hint.Of(err), wantHint) {
		t.Errorf("opening %q: %v (hint %q), want %q, %q", ref, err, hint.Of(err), want, wantHint)
	}
	if err != nil && strings.Contains(err.Error()+hint.Of(err), "secret") {
		t.Errorf("opening %q shows a password: %v", ref, err)
	}
}

func TestRegistryErrors(t *testing.T) {
	host := newRegistry(t)
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer closed.Close()
	checkFails(t, host+"/nothing:v1", "", "there is no such image", "check name and tag")
	checkFails(t, strings.TrimPrefix(closed.URL, "http://")+"/app", "", "the registry refuses", "docker login")
	checkFails(t, "kind.local/app", "", "nodes of kind", "--tarball")
	checkFails(t, "UPPER", "", "neither a file nor a reference", "lower case")
	checkFails(t, "https://me:secret@example.com/app", "", "https://…@example.com/app", "docker login")
	checkFails(t, "me:secret@example.com/app", "", "…@example.com/app", "")
	checkFails(t, "me:secret@example.com/app@sha256:"+strings.Repeat("0", 64), "", "…@example.com/app@sha256:0", "")
}

// TestReads checks that of an index only the image is read that is opened.
func TestReads(t *testing.T) {
	var asked []string
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			asked = append(asked, r.URL.Path)
		}
		inner.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ref := strings.TrimPrefix(srv.URL, "http://") + "/app"
	if err := remote.WriteIndex(reference(ref), index("linux/arm64", "linux/amd64", "linux/s390x")); err != nil {
		t.Fatal(err)
	}
	asked = nil
	if _, err := images.New(context.Background(), ref, images.Options{}); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 4 {
		t.Errorf("asked for %q, want the API, the index, a manifest and a config", asked)
	}
}

func TestOnlyAttestations(t *testing.T) {
	host := newRegistry(t)
	if err := remote.WriteIndex(reference(host+"/app"), index()); err != nil {
		t.Fatal(err)
	}
	checkFails(t, host+"/app", "", "no image in the index", "")
}

// TestDaemon opens an image of an engine that counts how often it is asked for the
// image's content.
func TestDaemon(t *testing.T) {
	saves, api := 0, "1.48"
	answers := map[string]any{} // of the engine, beside the image's config
	podman := false
	img := image("linux/arm64")
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("Api-Version", api)
		case strings.HasSuffix(r.URL.Path, "/images/ko.local/app/json"):
			cf := must(img.ConfigFile())
			config := must(json.Marshal(cf.Config))
			config = []byte(strings.Replace(string(config), `"Interval"`, `"StartInterval":5000000,"Interval"`, 1))
			if podman {
				config = []byte("{}")
			}
			maps.Copy(answers, map[string]any{"Id": must(img.ConfigName()).String(), "Os": cf.OS, "Architecture": cf.Architecture, "Config": json.RawMessage(config)})
			_ = json.NewEncoder(w).Encode(answers)
		case podman && strings.HasSuffix(r.URL.Path, "/version"):
			_, _ = io.WriteString(w, `{"Components":[{"Name":"Podman Engine"},{"Name":"Conmon"}]}`)
		case strings.HasSuffix(r.URL.Path, "/images/get"):
			saves++
			_ = tarball.Write(reference("ko.local/app"), img, w)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"No such image"}`)
		}
	}))
	defer engine.Close()
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(engine.URL, "http://"))
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)

	opened, err := images.New(context.Background(), "ko.local/app", images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if opened.Health.StartInterval != 5*time.Millisecond || opened.Platform.String() != "linux/arm64" {
		t.Errorf("got %+v for %s", opened.Health, opened.Platform)
	}
	if saves != 0 {
		t.Error("the image was copied for its config")
	}
	for range 2 {
		layers, err := opened.Layers()
		if err != nil || len(layers) != 2 {
			t.Fatal(layers, err)
		}
		for _, l := range layers {
			rc := must(l.Uncompressed())
			if n, err := io.Copy(io.Discard, rc); err != nil || n == 0 {
				t.Errorf("read %d bytes of a layer: %v", n, err)
			}
			rc.Close()
		}
	}
	if diff := cmp.Diff(must(img.ConfigFile()), must(opened.ConfigFile())); diff != "" {
		t.Errorf("config (-built +got):\n%s", diff)
	}
	if saves != 1 {
		t.Errorf("the image was copied %d times", saves)
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	if left := must(os.ReadDir(tmp)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	checkOpens(t, "docker-daemon:ko.local/app", "linux/arm64", "linux/arm64")
	api, saves = "1.43", 0 // an engine that does not say all
	checkOpens(t, "docker-daemon:ko.local/app", "linux/arm64", "linux/arm64")
	if saves != 1 {
		t.Errorf("the image was copied %d times from an old engine", saves)
	}
	checkFails(t, "docker-daemon:other", "", "No such image", "docker images")

	// Podman leaves the check out of what it says.
	api, podman = "1.48", true
	opened, err = images.New(t.Context(), "docker-daemon:ko.local/app", images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if opened.Health == nil {
		t.Error("Podman's image has lost its check")
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	podman = false

	// containerd's store has an index, of which the engine gives one image.
	known := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}
	answers["Descriptor"] = map[string]any{"mediaType": types.OCIImageIndex, "digest": known.String(), "size": 1}
	set, err := images.All(t.Context(), "docker-daemon:ko.local/app", nil, images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !set.Partial || set.Digest != known {
		t.Errorf("partial %t, digest %s", set.Partial, set.Digest)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
	_, err = images.All(t.Context(), "docker-daemon:ko.local/app", []v1.Platform{{OS: "linux", Architecture: "s390x"}}, images.Options{})
	if !strings.Contains(hint.Of(err), "keeps an index of images") {
		t.Errorf("%v; hint %q", err, hint.Of(err))
	}
	engine.Close()
	checkFails(t, "docker-daemon:app", "", "", "DOCKER_HOST")
}

// TestRedact leaves out users and passwords, whatever characters these hold.
func TestRedact(t *testing.T) {
	const digest = "@sha256:0123"
	for ref, want := range map[string]string{
		"example.com/app:v1":                       "example.com/app:v1",
		"example.com/app" + digest:                 "example.com/app" + digest,
		"https://user:p@ss@example.com/app":        "https://…@example.com/app",
		"user:secret@example.com/app" + digest:     "…@example.com/app" + digest,
		"docker://u:s@example.com/app:v1" + digest: "docker://…@example.com/app:v1" + digest,
	} {
		if got := images.Redact(ref); got != want {
			t.Errorf("Redact(%q) = %q, want %q", ref, got, want)
		}
	}
}
