package lint_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/ko-health/kohealth/builder/lint"
)

const bigLayer = 500 << 20 // bytes

// BenchmarkImage lints an image with a layer of 500 MB in a registry on the loopback
// interface, beside crane export | tar t of the same image in the same run. In
// "front" the program stands before the big file of that layer, in "above" in a layer
// above it, and in "below" in a layer below it, so that all has to be read to know
// that it is still there.
func BenchmarkImage(b *testing.B) {
	const parents = "/usr/\n/usr/bin/\n"
	for _, tt := range []struct{ name, below, big, above string }{
		{"front", "", "usr/ usr/bin/ usr/bin/check", ""},
		{"above", "", "data/", parents + "/usr/bin/check elf amd64"},
		{"below", parents + "/usr/bin/check elf amd64", "data/", ""},
	} {
		b.Run(tt.name, func(b *testing.B) {
			img, err := describe("config {\"Healthcheck\": {\"Test\": [\"CMD\", \"/usr/bin/check\"]}}\nlayer\n" + tt.below)
			if err != nil {
				b.Fatal(err)
			}
			img = appendLayer(b, img, bigTar(b, strings.Fields(tt.big)))
			if tt.above != "" {
				above, err := describe("layer\n" + tt.above)
				if err != nil {
					b.Fatal(err)
				}
				layers, err := above.Layers()
				if err != nil {
					b.Fatal(err)
				}
				img = appendLayer(b, img, layers[0])
			}
			measure(b, img)
		})
	}
}

func appendLayer(b *testing.B, img v1.Image, l v1.Layer) v1.Image {
	b.Helper()
	img, err := mutate.AppendLayers(img, l)
	if err != nil {
		b.Fatal(err)
	}
	return img
}

// bigTar returns a layer of small files and, behind them, a big one that does not
// compress.
func bigTar(b *testing.B, names []string) v1.Layer {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "layer.tar.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	zw, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	tw := tar.NewWriter(zw)
	var errs []error
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeDir}
		content := []byte{}
		if !strings.HasSuffix(name, "/") {
			content = elfFile{arch: "amd64"}.bytes()
			h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
		}
		errs = append(errs, tw.WriteHeader(h))
		_, err := tw.Write(content)
		errs = append(errs, err)
	}
	errs = append(errs, tw.WriteHeader(&tar.Header{Name: "data/model.bin", Mode: 0o644, Size: bigLayer}))
	_, err = io.CopyN(tw, rand.NewChaCha8([32]byte{}), bigLayer)
	errs = append(errs, err, tw.Close(), zw.Close())
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	l, err := tarball.LayerFromFile(f.Name())
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// measure reports bytes read and time of lint as parts of crane's.
func measure(b *testing.B, img v1.Image) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(srv.URL, "http://") + "/app")
	if err != nil {
		b.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		b.Fatal(err)
	}
	run := func(f func(v1.Image) error) (bytes int64, took time.Duration) {
		var received atomic.Int64
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return countingConn{conn, &received}, err
		}}
		defer transport.CloseIdleConnections()
		start := time.Now()
		pulled, err := remote.Image(ref, remote.WithTransport(transport))
		if err == nil {
			err = f(pulled)
		}
		if err != nil {
			b.Fatal(err)
		}
		return received.Load(), time.Since(start)
	}
	var ownBytes, peerBytes int64
	var ownTime, peerTime time.Duration
	for b.Loop() {
		n, d := run(func(img v1.Image) error { return lintImage(b, img) })
		ownBytes, ownTime = ownBytes+n, ownTime+d
		n, d = run(exportAndList)
		peerBytes, peerTime = peerBytes+n, peerTime+d
	}
	b.ReportMetric(float64(ownBytes)/float64(b.N), "lint-bytes")
	b.ReportMetric(float64(peerBytes)/float64(b.N), "crane-bytes")
	b.ReportMetric(float64(ownBytes)/float64(peerBytes), "bytes-ratio")
	b.ReportMetric(ownTime.Seconds()/peerTime.Seconds(), "time-ratio")
}

func lintImage(b *testing.B, img v1.Image) error {
	findings, err := lint.Image(b.Context(), "app", img, lint.Options{Severity: lint.Error})
	if err == nil && len(findings) > 0 {
		err = fmt.Errorf("found %v", findings)
	}
	return err
}

// exportAndList is crane export | tar t.
func exportAndList(img v1.Image) error {
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(crane.Export(img, pw)) }()
	for tr := tar.NewReader(pr); ; {
		if _, err := tr.Next(); errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, pr)
			return err
		} else if err != nil {
			return err
		}
	}
}

// A countingConn counts what is received.
type countingConn struct {
	net.Conn
	received *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

// BenchmarkTaskDefinition lints a task definition of 1 MB.
func BenchmarkTaskDefinition(b *testing.B) {
	var containers []string
	for i := range 3_900 {
		containers = append(containers, fmt.Sprintf(`    {
      "name": "app-%d",
      "image": "example.com/app",
      "portMappings": [{"containerPort": 8080}],
      "healthCheck": {"command": ["CMD-SHELL", "wget -q http://localhost:8080/ || exit 1"], "interval": 30, "timeout": 5, "retries": 3}
    }`, i))
	}
	task := []byte("{\n  \"memory\": \"512\",\n  \"containerDefinitions\": [\n" + strings.Join(containers, ",\n") + "\n  ]\n}\n")
	b.SetBytes(int64(len(task)))
	for b.Loop() {
		findings, err := lint.File(b.Context(), "task.json", task, lint.Options{})
		if err != nil || len(findings) != len(containers) {
			b.Fatal(len(findings), err)
		}
	}
}

// BenchmarkCompose lints a Compose file of 200 services.
func BenchmarkCompose(b *testing.B) {
	var file strings.Builder
	file.WriteString("services:\n")
	for i := range 200 {
		fmt.Fprintf(&file, `  app-%d:
    image: example.com/app
    ports: ["8080:8080"]
    environment:
      NAME: value
    healthcheck:
      test: ["CMD-SHELL", "curl -f http://127.0.0.1:8080/ || exit 1"]
      interval: 30s
      timeout: 5s
      retries: 3
      start_period: 10s
`, i)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		findings, err := lint.File(b.Context(), "compose.yaml", []byte(file.String()), lint.Options{Dir: b.TempDir()})
		if err != nil || len(findings) != 0 {
			b.Fatal(findings, err)
		}
	}
}
