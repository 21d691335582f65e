package equip

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/rootfs"
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
