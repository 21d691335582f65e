package apk

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goAPK returns where go-apk's test data lies: packages and indexes that real tools have
// made.
func goAPK(t *testing.T, name ...string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/chainguard-dev/go-apk").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(append([]string{strings.TrimSpace(string(dir)), "pkg", "apk", "testdata"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A package that melange has made is read as any other: verified against a record with
// its digest.
func TestRealPackage(t *testing.T) {
	file := goAPK(t, "hello-wolfi-2.12.1-r0.apk")
	_, _, rest, err := cutMember(file) // the signature
	if err != nil {
		t.Fatal(err)
	}
	raw, _, _, err := cutMember(rest)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(raw)
	record := fmt.Sprintf("C:Q1%s\nP:hello-wolfi\nV:2.12.1-r0\nA:x86_64\nS:%d\n", base64.StdEncoding.EncodeToString(sum[:]), len(file))
	p, err := parsePackage(record)
	if err != nil {
		t.Fatal(err)
	}
	c, err := verifyPackage(file, p)
	if err != nil {
		t.Fatal(err)
	}
	list, err := readEntries(c.data, newRoom())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(list, func(e *entry) bool { return e.path == "/usr/bin/hello" && e.mode == 0o755 && len(e.content) > 0 }) {
		t.Errorf("no /usr/bin/hello in %d entries", len(list))
	}
}

// An index of Alpine's is signed with SHA-1, and read once that is trusted.
func TestRealIndex(t *testing.T) {
	index := goAPK(t, "alpine-316", "APKINDEX.tar.gz")
	signatures, signed, err := cutSignatures(index)
	if err != nil {
		t.Fatal(err)
	}
	if len(signatures) != 1 || signatures[0].key != "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub" {
		t.Errorf("signatures %+v", signatures)
	}
	count := 0
	arch := ""
	for _, arch = range []string{"x86_64", "aarch64"} {
		count = 0
		if err = readIndex(signed, arch, func(*Package) { count++ }); err == nil {
			break
		}
	}
	if err != nil || count < 100 {
		t.Errorf("%d packages for %s, %v", count, arch, err)
	}
}
