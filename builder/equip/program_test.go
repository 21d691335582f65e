package equip

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/ko-health/kohealth/builder/images"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
)

func TestParseProgram(t *testing.T) {
	for s, want := range map[string]Program{
		"example.com/checks:/bin/x":           {"example.com/checks", "/bin/x"},
		"localhost:5000/checks:v1:/bin/x":     {"localhost:5000/checks:v1", "/bin/x"},
		"checks@sha256:0a:/bin/x":             {"checks@sha256:0a", "/bin/x"},
		"docker://example.com/checks:/bin/x":  {"docker://example.com/checks", "/bin/x"},
		"docker-daemon:checks:v1:/bin/../a/x": {"docker-daemon:checks:v1", "/a/x"},
		"./out.tar:/x":                        {"./out.tar", "/x"},
	} {
		got, err := ParseProgram(s)
		if err != nil || *got != want {
			t.Errorf("ParseProgram(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "/bin/x", ":/bin/x", "checks", "checks:v1", "checks:bin/x", "docker://example.com/checks", "checks:/", "checks:/a\nb"} {
		if got, err := ParseProgram(s); err == nil {
			t.Errorf("ParseProgram(%q) = %v", s, got)
		}
	}
}

// TestProgramPlatform says which variants of an architecture a program may be for: on ARM of
// 32 bits the image's own, elsewhere any that is not named.
func TestProgramPlatform(t *testing.T) {
	for _, tt := range []struct {
		program, image string
		ok             bool
	}{
		{"linux/arm/v7", "linux/arm/v7", true},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm64", "linux/arm64/v8", true},
		{"linux/amd64", "linux/arm64", false},
	} {
		program, err := v1.ParsePlatform(tt.program)
		if err != nil {
			t.Fatal(err)
		}
		platform, err := v1.ParsePlatform(tt.image)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "programs.tar")
		script := layers.File{Path: "/opt/check", Mode: 0o755, Content: []byte("#!/bin/x\n")}
		if err := tarball.WriteToFile(file, programsTag(t), imageFor(t, *program, script)); err != nil {
			t.Fatal(err)
		}
		r := newRig()
		r.Program = &Program{Image: file, Path: script.Path}
		img := read(t, imageFor(t, *platform, layers.File{Path: "/bin/x", Mode: 0o755}))
		_, err = r.Equip(t.Context(), img, *platform, check(t, "test", `["CMD","/opt/check"]`))
		if (err == nil) != tt.ok || !tt.ok && !errors.Is(err, images.ErrPlatform) {
			t.Errorf("a program for %s in an image for %s: %v", tt.program, tt.image, err)
		}
	}
}

// TestProgramOrigin checks what the history says of where a program is from: name, tag and
// digest.
func TestProgramOrigin(t *testing.T) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	repo := strings.TrimPrefix(srv.URL, "http://") + "/checks"
	tag, err := name.NewTag(repo + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	program := image(t, layers.File{Path: "/opt/check", Mode: 0o755, Content: []byte("#!/bin/x\n")})
	if err := remote.Write(tag, program, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := program.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{repo + ":v1": repo + ":v1@" + digest.String(), repo + "@" + digest.String(): repo + "@" + digest.String()} {
		r, img := newRig(), read(t, image(t, layers.File{Path: "/bin/x", Mode: 0o755}))
		r.Program = &Program{Image: ref, Path: "/opt/check"}
		if _, err := r.Equip(t.Context(), img, amd64, check(t, "test", `["CMD","/opt/check"]`)); err != nil {
			t.Fatal(err)
		}
		if _, marks := contents(t, img); len(marks) != 1 || marks[0] != oci.ProgramMark+" of "+want+", at /opt/check" {
			t.Errorf("of %s: marks %q, want one of %s", ref, marks, want)
		}
	}
}

// FuzzParseProgram checks that what was parsed parses again to the same.
func FuzzParseProgram(f *testing.F) {
	f.Add("localhost:5000/checks:v1:/bin/x")
	f.Add("docker://a:/../b")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseProgram(s)
		if err != nil {
			return
		}
		again, err := ParseProgram(p.Image + ":" + p.Path)
		if err != nil || *again != *p {
			t.Errorf("%q: %v, then %v, %v", s, p, again, err)
		}
	})
}

// FuzzCheckStarts checks that no program, however damaged, is taken for one of another
// platform as well, or ends the process.
func FuzzCheckStarts(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte("#!"))
	f.Add([]byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 57)))
	image, err := rootfs.Read(nil, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		starts := func(arch string) error {
			w := &work{Tools: &Tools{Say: t.Logf, Program: &Program{Path: "/x"}}, platform: v1.Platform{OS: "linux", Architecture: arch}}
			return w.checkStarts(content, image)
		}
		amd64, arm64 := starts("amd64"), starts("arm64")
		if amd64 == nil && arm64 == nil {
			t.Errorf("%q runs on both", content)
		}
	})
}
