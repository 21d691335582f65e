package main

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSecurityLinked holds what SECURITY.md says of dependencies against the symbols of
// the program. The linker leaves out what nothing can reach: a client or a parser whose
// constructors are not there is never called.
func TestSecurityLinked(t *testing.T) {
	if testing.Short() {
		t.Skip("links kohealth: make test does")
	}
	text := document(t, "SECURITY.md")
	symbols := linked(t)
	for _, claim := range []struct {
		says   string   // in SECURITY.md
		linked string   // of which there are symbols
		absent []string // of which there are none
	}{
		{"What makes a client or a server (`NewClient`, `Dial`, `NewServer`) is not linked", "google.golang.org/grpc.",
			[]string{"google.golang.org/grpc.NewClient", "google.golang.org/grpc.Dial", "google.golang.org/grpc.NewServer"}},
		{"neither its `Transport` nor its `Server` is", "golang.org/x/net/http2.(*Framer)",
			[]string{"golang.org/x/net/http2.(*Transport)", "golang.org/x/net/http2.(*Server)", "golang.org/x/net/http2.(*ClientConn)"}},
		{"nothing that verifies (`sigstore-go/pkg/verify`, cosign's `Verify…`) is", "github.com/sigstore/sigstore-go/",
			[]string{"github.com/sigstore/sigstore-go/pkg/verify.New", "github.com/sigstore/sigstore-go/pkg/verify.(", "github.com/sigstore/cosign/v3/pkg/cosign.Verify", "github.com/sigstore/cosign/v2/pkg/cosign.Verify"}},
		{"Nothing that parses a token (`Parse…`) is linked", "github.com/go-jose/go-jose/v4",
			[]string{"github.com/go-jose/go-jose/v4.Parse", "github.com/go-jose/go-jose/v4/jwt.Parse"}},
		{"(`otel/baggage`, `propagation.TraceContext`)", "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp.NewTransport",
			[]string{"go.opentelemetry.io/otel/baggage", "go.opentelemetry.io/otel/propagation.TraceContext"}},
		{"(`otel/sdk`, exporters) is linked", "go.opentelemetry.io/otel",
			[]string{"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters"}},
		{"linked by way of ko, cosign and rekor, never called", "golang.org/x/crypto/openpgp.", nil}, // make check runs govulncheck
		{"(`FixateWorld`, `InstallPackages`, `InitDB`, `GetRepositoryIndexes`) is not linked", "github.com/chainguard-dev/go-apk/pkg/apk.",
			[]string{"github.com/chainguard-dev/go-apk/pkg/apk.(*APK).", "github.com/chainguard-dev/go-apk/pkg/apk.GetRepositoryIndexes"}},
		{"| klauspost/compress", "github.com/klauspost/compress/zstd.", nil},
		{"| docker-credential-acr-env", "github.com/chrismellard/docker-credential-acr-env/", nil},
		{"Azure's `go-autorest`", "github.com/Azure/go-autorest/", nil},
		{"`azure-sdk-for-go`", "github.com/Azure/azure-sdk-for-go/", nil},
		{"`mitchellh/go-homedir`", "github.com/mitchellh/go-homedir.", nil},
		{"`pkg/errors`", "github.com/pkg/errors.", nil},
		{"`go-tuf` before version 2", "github.com/theupdateframework/go-tuf/", nil},
	} {
		if !strings.Contains(text, claim.says) {
			t.Errorf("SECURITY.md does not say %q", claim.says)
		}
		if !strings.Contains(symbols, "\n"+claim.linked) {
			t.Errorf("SECURITY.md says %q, but nothing of %s is linked", claim.says, claim.linked)
		}
		for _, absent := range claim.absent {
			if _, rest, ok := strings.Cut(symbols, "\n"+absent); ok {
				name, _, _ := strings.Cut(rest, "\n")
				t.Errorf("SECURITY.md says %q, but %s%s is linked", claim.says, absent, name)
			}
		}
	}
}

// TestSecurityModules checks how many modules SECURITY.md says are linked.
func TestSecurityModules(t *testing.T) {
	said := regexp.MustCompile(`about (\d+) modules are linked`).FindStringSubmatch(document(t, "SECURITY.md"))
	if said == nil {
		t.Fatal("SECURITY.md does not say how many modules are linked")
	}
	list := must(exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output())
	modules := map[string]bool{}
	for _, path := range strings.Fields(string(list)) {
		modules[path] = true
	}
	if n := must(strconv.Atoi(said[1])); len(modules) < n-10 || len(modules) > n+10 {
		t.Errorf("SECURITY.md says that about %d modules are linked; it is %d", n, len(modules))
	}
}

// linked returns the names of the symbols of kohealth for Linux, each after a line's end.
func linked(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kohealth")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Env = append(build.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building kohealth: %v\n%s", err, out)
	}
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b strings.Builder
	for _, s := range must(f.Symbols()) {
		b.WriteString("\n" + s.Name)
	}
	return b.String()
}
