package equip

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/rootfs"
)

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
