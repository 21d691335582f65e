package apk

import (
	"archive/tar"
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// FuzzRecords: whatever a list of packages says, what is read of it is read again from
// what is written.
func FuzzRecords(f *testing.F) {
	f.Add(installedDB)
	f.Add(curl().Build(nil).Entry())
	f.Add("P:a\nV:1\nk:x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		packages, err := parseDatabase(text)
		if err != nil {
			return
		}
		for _, p := range packages {
			if p.Name == "" || p.Version == "" {
				t.Errorf("package %+v without a name or version", p)
			}
			again, err := parseDatabase(p.indexLines())
			if err != nil || len(again) != 1 || again[0].String() != p.String() {
				t.Errorf("%q is read as %v, %v", p.indexLines(), again, err)
			}
			if p.check() == nil && path.Base(p.filename()) != p.filename() {
				t.Errorf("package %q leads elsewhere", p.filename())
			}
		}
	})
}

// FuzzIndex: nothing that is not signed is read, and what is signed does no harm.
func FuzzIndex(f *testing.F) {
	k, err := parseKey(goodKey().PEM())
	if err != nil {
		f.Fatal(err)
	}
	index := apktest.Index(curl().Build(nil))
	signed := goodKey().Sign(index)
	f.Add(signed, true)
	f.Add(index, false)
	f.Add(signed[:len(signed)/2], true)
	f.Fuzz(func(t *testing.T, data []byte, first bool) {
		if got, err := verifyIndex(data, []*publicKey{k}); err == nil && !bytes.Equal(got, index) {
			t.Error("something else than the index is signed")
		}
		_ = readIndex(data, "x86_64", func(p *Package) {
			if p.Arch != "x86_64" && p.Arch != "noarch" {
				t.Errorf("package for %q", p.Arch)
			}
		})
	})
}

// FuzzControl: control parts are read before the digest of the files is known.
func FuzzControl(f *testing.F) {
	good := curl().Build(nil)
	signed := curl()
	signed.Signature = goodKey().Signature(nil, false)
	f.Add(good.Bytes())
	f.Add(signed.Build(nil).Bytes())
	p := entryOf(f, good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := verifyPackage(data, p); err == nil && !bytes.Equal(data, good.Bytes()) {
			t.Error("another package is taken")
		}
		if _, unpacked, _, err := cutMember(data); err == nil {
			_, _, _ = readControl(unpacked)
		}
	})
}

// FuzzEntries: whatever a package holds, its files end up in a layer that stays in the
// tree and leaves the base's files alone.
func FuzzEntries(f *testing.F) {
	f.Add("usr/bin/x", "", byte(tar.TypeReg), "opt/y", "/usr/bin/x", byte(tar.TypeSymlink), int64(0o755))
	f.Add("../x", "", byte(tar.TypeReg), "etc/passwd", "", byte(tar.TypeReg), int64(0o4755))
	f.Add("x", "/etc", byte(tar.TypeSymlink), "x/passwd", "", byte(tar.TypeReg), int64(0))
	f.Add("etc/busybox-paths.d/b", "", byte(tar.TypeReg), "usr/bin/busybox", "", byte(tar.TypeReg), int64(0o755))
	f.Add("a", "", byte(tar.TypeReg), "b", "a", byte(tar.TypeLink), int64(0o644))
	f.Fuzz(func(t *testing.T, name1, link1 string, type1 byte, name2, link2 string, type2 byte, mode int64) {
		var buf bytes.Buffer
		tw := tar.NewWriter(&buf)
		for _, h := range []tar.Header{{Name: name1, Linkname: link1, Typeflag: type1}, {Name: name2, Linkname: link2, Typeflag: type2}} {
			if h.Mode = mode; h.Typeflag == tar.TypeReg {
				h.Size = int64(len("/usr/bin/../applet\n"))
			}
			if tw.WriteHeader(&h) != nil {
				return
			}
			if h.Size > 0 {
				if _, err := tw.Write([]byte("/usr/bin/../applet\n")); err != nil {
					t.Fatal(err)
				}
			}
		}
		list, err := readEntries(gz(t, buf.Bytes()), newRoom())
		if err != nil {
			return
		}
		for _, managed := range []bool{false, true} {
			checkTree(t, list, managed)
		}
	})
}

// FuzzApplets: whatever a binary holds, what it is called by are names that a directory
// can have, and among them a shell.
func FuzzApplets(f *testing.F) {
	f.Add(apktest.BusyboxBinary("add-shell", "ls", "sh"))
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("[\x00[[\x00sh\x00"))
	f.Add([]byte("[\x00[[\x00../etc/x\x00sh\x00\x00"))
	f.Add([]byte("[\x00[[\x00sh\x00sh\x00\x00[\x00[[\x00\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, binary []byte) {
		names := appletNames(binary)
		if len(names) > 0 && !slices.Contains(names, "sh") {
			t.Errorf("no shell among %q", names)
		}
		for _, name := range names {
			if at, err := cleanPath("usr/bin/" + name); err != nil || path.Base(at) != name {
				t.Errorf("name %q is at %q, %v", name, at, err)
			}
		}
	})
}

func checkTree(t *testing.T, list []*entry, managed bool) {
	before := merged(t)
	tr := &tree{
		fs: before.Clone(), added: map[string]addition{}, managed: managed,
		reserved: []string{"/ko-app", "/usr/bin/healthcheck"}, warn: func(string, ...any) {},
	}
	p := &Package{Name: "p", Version: "1-r0"}
	if _, err := tr.add(p, &control{}, list); err != nil {
		return
	}
	if _, err := tr.linkApplets(p, list); err != nil {
		return
	}
	files := tr.list()
	if _, err := layers.Layer(files, types.OCILayer); err != nil {
		t.Errorf("a tree that makes no layer: %v", err)
	}
	for _, file := range files {
		if _, ok := before.At(file.Path); ok {
			t.Errorf("%s of the base is overwritten", file.Path)
		}
		if below(before, file.Path) || strings.HasPrefix(file.Path+"/", "/ko-app/") && !file.Mode.IsDir() || file.Path == "/usr/bin/healthcheck" {
			t.Errorf("%s is written", file.Path)
		}
	}
}

// below reports whether a path lies below something that is not a directory.
func below(fsys *rootfs.FS, name string) bool {
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if e, ok := fsys.At(dir); ok && e.Type != tar.TypeDir {
			return true
		}
	}
	return false
}
