package images_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/ko-health/kohealth/builder/images"
)

// platformsOf names what is in a set: platforms of an index, or "one" and the platform
// of the image.
func platformsOf(t *testing.T, s *images.Set) string {
	t.Helper()
	if s.Image != nil {
		cf := must(s.Image.ConfigFile())
		return "one " + cf.OS + "/" + cf.Architecture
	}
	if err := validate.Index(s.Index); err != nil {
		t.Error(err)
	}
	var names []string
	for _, desc := range must(s.Index.IndexManifest()).Manifests {
		names = append(names, desc.Platform.String())
	}
	return strings.Join(names, " ")
}

func TestAll(t *testing.T) {
	host := newRegistry(t)
	dir := t.TempDir()
	several := mutate.Annotations(index("linux/amd64", "linux/arm/v7", "windows/amd64"), map[string]string{"k": "v"}).(v1.ImageIndex)
	// An index in an index, and entries that say no platform.
	nested := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: index("linux/s390x")}, mutate.IndexAddendum{Add: image("linux/riscv64")})
	nested = mutate.IndexMediaType(nested, types.DockerManifestList)
	for name, idx := range map[string]v1.ImageIndex{"several": several, "nested": nested, "single": index("linux/amd64")} {
		if err := remote.WriteIndex(reference(host+"/team/"+name), idx); err != nil {
			t.Fatal(err)
		}
		p := must(layout.Write(filepath.Join(dir, name), empty.Index))
		if err := p.AppendIndex(idx); err != nil {
			t.Fatal(err)
		}
	}
	if err := remote.Write(reference(host+"/image"), image("linux/arm64")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "app.v1.tar")
	if err := tarball.WriteToFile(file, reference("example.com/app"), image("linux/arm64")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ ref, platforms, want, repository string }{
		{host + "/team/several", "", "linux/amd64 linux/arm/v7 windows/amd64", "team/several"},
		{host + "/team/several", "linux/arm linux/amd64", "linux/amd64 linux/arm/v7", "team/several"},
		{host + "/team/several", "linux", "linux/amd64 linux/arm/v7", "team/several"},
		{host + "/team/several", "linux/arm/v7", "one linux/arm", "team/several"},
		{host + "/team/nested", "", "linux/s390x linux/riscv64", "team/nested"},
		{host + "/team/single", "", "linux/amd64", "team/single"},
		{host + "/image", "", "one linux/arm64", "image"},
		{host + "/image", "linux/arm64", "one linux/arm64", "image"},
		{filepath.Join(dir, "several"), "", "linux/amd64 linux/arm/v7 windows/amd64", "several"},
		{filepath.Join(dir, "single"), "linux/amd64", "one linux/amd64", "single"},
		{file, "", "one linux/arm64", "app.v1"},
	} {
		var platforms []v1.Platform
		for _, p := range strings.Fields(tt.platforms) {
			platforms = append(platforms, *must(v1.ParsePlatform(p)))
		}
		s, err := images.All(context.Background(), tt.ref, platforms, images.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := platformsOf(t, s); got != tt.want {
			t.Errorf("%s for %q is %q, want %q", tt.ref, tt.platforms, got, tt.want)
		}
		if got, err := s.Repository(images.Options{}); got != tt.repository || err != nil {
			t.Errorf("repository of %s is %q, %v; want %q", tt.ref, got, err, tt.repository)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	s := must(images.All(context.Background(), host+"/team/several", nil, images.Options{}))
	if len(s.Others) != 1 || s.Digest != must(several.Digest()) {
		t.Errorf("got %v beside the images of %s, want one attestation", s.Others, s.Digest)
	}
	if diff := cmp.Diff(map[string]string{"k": "v"}, must(s.Index.IndexManifest()).Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func TestAllFails(t *testing.T) {
	host := newRegistry(t)
	if err := remote.WriteIndex(reference(host+"/app"), index("linux/amd64")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ ref, platform, want string }{
		{host + "/app", "linux/arm64", `no image for platform "linux/arm64"`},
		{host + "/none", "", "no such image"},
		{"./none", "", "no such file"},
	} {
		var platforms []v1.Platform
		if tt.platform != "" {
			platforms = append(platforms, *must(v1.ParsePlatform(tt.platform)))
		}
		if _, err := images.All(context.Background(), tt.ref, platforms, images.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("All(%q, %q): %v, want %q", tt.ref, tt.platform, err, tt.want)
		}
	}
}
