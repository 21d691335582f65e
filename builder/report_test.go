package builder

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// TestReportMissing asks for platforms of which an image may say less or more.
func TestReportMissing(t *testing.T) {
	arm := func(variant string) v1.Platform {
		return v1.Platform{OS: "linux", Architecture: "arm", Variant: variant}
	}
	for _, tt := range []struct {
		there, asked v1.Platform
		missing      bool
	}{
		{arm("v7"), arm("v7"), false},
		{arm("v7"), arm("v6"), true},
		{arm(""), arm("v6"), false},
		{arm("v6"), arm(""), false},
		{arm("v6"), v1.Platform{OS: "linux", Architecture: "arm64"}, true},
		{arm("v6"), v1.Platform{OS: "windows", Architecture: "arm"}, true},
	} {
		r := &report{}
		r.count(tt.there)
		if got := r.missing(tt.asked); got != tt.missing {
			t.Errorf("%s of %s is missing: %v", tt.asked, tt.there, got)
		}
	}
}

// TestSBOMNotWritten has SBOMs written where they cannot be: there is no result, then.
func TestSBOMNotWritten(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o := b.options(settings(t, "test", "tcp://:80"))
	o.SBOMDir = filepath.Join(file, "sboms")
	_, err := Base(t.Context(), &images.Set{Image: originalImage(t, 1, map[string]any{})}, BaseOptions{Options: o, SBOM: "app"})
	if err == nil || !strings.Contains(err.Error(), "writing SBOM") {
		t.Errorf("error %v", err)
	}
}

// TestBaseKeepsPackages runs Base on its own result, whose packages nobody asks for again.
func TestBaseKeepsPackages(t *testing.T) {
	b := newBench(t)
	dir, key := t.TempDir(), apktest.NewKey("key.rsa.pub")
	if err := apktest.New(key, apktest.BusyboxStatic([]byte("\x7fELF")).Build(nil)).Write(dir); err != nil {
		t.Fatal(err)
	}
	add := func(img v1.Image, keys ...string) v1.Image {
		o := b.options(settings(t, keys...))
		o.Packages = &apk.Client{Cache: b.cache}
		out, err := Base(t.Context(), &images.Set{Image: img}, BaseOptions{Options: o, SBOM: "app"})
		if err != nil {
			t.Fatal(err)
		}
		return out.(v1.Image)
	}
	first := add(originalImage(t, 1, map[string]any{}),
		"test", "tcp://:80", "tool", "busybox", "repositories", dir, "keys", filepath.Join(dir, key.Name))
	if n := len(digests(t, first)); n != 4 {
		t.Fatalf("%d layers, want those of the original, packages, probe and arguments", n)
	}
	if again := add(first); digestOf(t, again) != digestOf(t, first) {
		t.Errorf("layers are %q, were %q", digests(t, again), digests(t, first))
	}
}

// TestBuildKeepsConfigsApart builds on two bases with one cache: each image has what its own
// base says.
func TestBuildKeepsConfigsApart(t *testing.T) {
	b := newBench(t)
	for _, value := range []string{"one", "other", "one"} {
		base := b.base(t, map[string]any{"x.unknown": value}, layers.File{Path: "/" + value, Mode: 0o644})
		img := build1(t, New(b.ko(t, options.BuildOptions{BaseImage: base}), b.options(settings(t, "test", "tcp://:80"))))
		if got := rawOf(t, img)["x.unknown"]; got != value {
			t.Errorf("the image has %v of its base's %s", got, value)
		}
	}
}

// TestReportSays checks what is said in the end, and that nothing is said twice.
func TestReportSays(t *testing.T) {
	var said []string
	r := &report{logf: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }, by: "/x of y", of: "z"}
	check, err := settings(t, "test", "tcp://:80").Check()
	if err != nil {
		t.Fatal(err)
	}
	amd64 := v1.Platform{OS: "linux", Architecture: "amd64"}
	r.summarise([]v1.Platform{amd64, amd64}, check)
	if err := r.note(equip.Added{}); err != nil {
		t.Fatal(err)
	}
	r.summarise(nil, check)
	want := []string{
		"warning: the base image has no linux/amd64, so there is no image for it",
		"health: tcp://:80 every 10s; /x of y for z",
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
