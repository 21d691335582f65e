package builder

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// BenchmarkRebuild builds an unchanged app with busybox in its image, and, as the peer,
// with the probe alone.
func BenchmarkRebuild(b *testing.B) {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		b.Fatal(err) // see .ci/run
	}
	key := apktest.NewKey("key.rsa.pub")
	var downloaded atomic.Int64
	repo := apktest.New(key, apktest.BusyboxStatic(busybox).Build(nil))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repo.ServeHTTP(&counter{w, &downloaded}, r)
	}))
	b.Cleanup(srv.Close)
	keyFile := filepath.Join(b.TempDir(), "key.rsa.pub")
	if err := os.WriteFile(keyFile, key.PEM(), 0o644); err != nil {
		b.Fatal(err)
	}
	log.SetOutput(io.Discard) // ko says much
	b.Cleanup(func() { log.SetOutput(os.Stderr) })
	env := newBench(b)
	b.Setenv("KOCACHE", b.TempDir())
	bo := options.BuildOptions{BaseImage: env.base(b, map[string]any{}, layers.File{Path: "/usr", Mode: os.ModeDir | 0o755})}
	rebuild := func(keys ...string) time.Duration {
		opts := env.options(settings(b, keys...))
		opts.Packages = &apk.Client{Cache: env.cache}
		start := time.Now()
		build1(b, New(env.ko(b, bo), opts))
		return time.Since(start)
	}
	probe := []string{"test", "tcp://:80"}
	with := []string{"test", "tcp://:80", "tool", "busybox", "repositories", srv.URL, "keys", keyFile}
	rebuild(probe...)
	rebuild(with...)
	first := downloaded.Swap(0)
	var probeOnly, both time.Duration
	for b.Loop() {
		probeOnly += rebuild(probe...)
		both += rebuild(with...)
	}
	b.ReportMetric(float64(first), "first-bytes")
	b.ReportMetric(both.Seconds()/float64(b.N), "s/rebuild")
	b.ReportMetric(both.Seconds()/probeOnly.Seconds(), "x-probe-only")
	b.ReportMetric(float64(downloaded.Load())/float64(b.N), "bytes/rebuild")
}

// counter counts the bytes of bodies.
type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}
