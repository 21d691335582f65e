package kocompat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildID compares with go tool buildid what is read from programs for several
// platforms.
func TestBuildID(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, goos, arch, ldflags string
		found                     bool
	}{
		{"64 bits", "linux", "amd64", "-s -w", true},
		{"32 bits", "linux", "arm", "", true},
		{"big endian", "linux", "s390x", "", true},
		{"chosen", "linux", "amd64", "-buildid=a/b", true},
		{"none", "linux", "amd64", "-buildid=", false},
		{"not ELF", "windows", "amd64", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := filepath.Join(dir, test.name)
			build := exec.Command("go", "build", "-ldflags="+test.ldflags, "-o", program, source)
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+test.goos, "GOARCH="+test.arch)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got, err := buildID(program)
			if (err == nil) != test.found {
				t.Fatalf("buildID = %q, %v; want one: %v", got, err, test.found)
			}
			want, err := exec.Command("go", "tool", "buildid", program).Output()
			if err != nil {
				t.Fatal(err)
			}
			if test.found && got != strings.TrimSpace(string(want)) {
				t.Errorf("buildID = %q, go tool buildid says %q", got, want)
			}
		})
	}
}
