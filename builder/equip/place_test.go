package equip

import (
	"archive/tar"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// TestPlaces checks where the probe comes to be, and the rights of directories that are made
// for it.
func TestPlaces(t *testing.T) {
	link := func(path, target string) layers.File {
		return layers.File{Path: path, Mode: fs.ModeSymlink | 0o777, Linkname: target}
	}
	for name, tt := range map[string]struct {
		base []layers.File
		want map[string]fs.FileMode // by path
	}{
		"nothing there":            {nil, map[string]fs.FileMode{"/usr": 0o755, "/usr/bin": 0o755, "/usr/bin/healthcheck": 0o555}},
		"a directory of its own":   {[]layers.File{{Path: "/usr", Mode: fs.ModeDir | 0o700}}, map[string]fs.FileMode{"/usr": 0o700, "/usr/bin": 0o755}},
		"a link":                   {[]layers.File{link("/usr/bin", "/opt/bin")}, map[string]fs.FileMode{"/opt": 0o755, "/opt/bin": 0o755, "/opt/bin/healthcheck": 0o555}},
		"a link to a like of ko's": {[]layers.File{link("/usr/bin", "/ko-apps")}, map[string]fs.FileMode{"/ko-apps": 0o755, "/ko-apps/healthcheck": 0o555}},
	} {
		img := read(t, image(t, tt.base...))
		if _, err := newRig().Equip(t.Context(), img, amd64, check(t, "test", "tcp://:80")); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, fsys := assemble(t, img)
		got := map[string]fs.FileMode{}
		for path := range tt.want {
			e, err := fsys.Lookup(path)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got[path] = fs.FileMode(e.Mode)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: modes (-want +got):\n%s", name, diff)
		}
	}
}

// assemble puts an image together, and returns it with its files.
func assemble(t *testing.T, i *oci.Image) (v1.Image, *rootfs.FS) {
	t.Helper()
	out, err := i.Assemble(oci.KeepFormat)
	if err != nil {
		t.Fatal(err)
	}
	all, err := out.Layers()
	if err != nil {
		t.Fatal(err)
	}
	fsys, err := rootfs.Read(all, "")
	if err != nil {
		t.Fatal(err)
	}
	return out, fsys
}

// TestProgramOfKo adds a program that ko has built, which lies where ko puts programs.
func TestProgramOfKo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "programs.tar")
	program := layers.File{Path: "/ko-app/check", Mode: 0o755, Content: []byte("#!/bin/x\n")}
	if err := tarball.WriteToFile(file, programsTag(t), image(t, program)); err != nil {
		t.Fatal(err)
	}
	r, img := newRig(), read(t, image(t, layers.File{Path: "/bin/x", Mode: 0o755}))
	r.Program = &Program{Image: file, Path: program.Path}
	if _, err := r.Equip(t.Context(), img, amd64, check(t, "test", `["CMD","/ko-app/check"]`)); err != nil {
		t.Fatal(err)
	}
	_, fsys := assemble(t, img)
	if e, err := fsys.Lookup(program.Path); err != nil || e.Mode != 0o555 {
		t.Errorf("the program is %+v, %v", e, err)
	}
}

// TestPackagesKeepOut refuses packages with files where the probe, its arguments and ko's
// layers come to be, and passes on what a package warns of.
func TestPackagesKeepOut(t *testing.T) {
	equip := func(p apktest.Package) (*rig, error) {
		p.Name, p.Version = "p", "1-r0"
		dir, key := t.TempDir(), apktest.NewKey("key.rsa.pub")
		if err := apktest.New(key, p.Build(nil)).Write(dir); err != nil {
			t.Fatal(err)
		}
		r := newRig()
		_, err := r.Equip(t.Context(), read(t, image(t)), amd64,
			check(t, "test", "tcp://:80", "packages", "p", "repositories", dir, "keys", filepath.Join(dir, key.Name)))
		return r, err
	}
	for _, taken := range []string{"usr/bin/healthcheck", "etc/healthcheck", "ko-app/x", "var/run/ko/x"} {
		if _, err := equip(apktest.Package{Files: []tar.Header{apktest.File(taken, 0o755)}}); err == nil || !strings.Contains(err.Error(), "take the place of") {
			t.Errorf("a package with %s: %v", taken, err)
		}
	}
	r, err := equip(apktest.Package{Scripts: map[string]string{".post-install": "#!/bin/sh\n"}})
	if said := strings.Join(r.said, "\n"); err != nil || !strings.Contains(said, "warning: ") || !strings.Contains(said, "post-install") {
		t.Errorf("said %q, %v", said, err)
	}
}
