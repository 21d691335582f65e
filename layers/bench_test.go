package layers

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers/cache"
)

// BenchmarkProbe is what an unchanged build spends on the probe: reading it and its
// compressed layer from the cache.
func BenchmarkProbe(b *testing.B) {
	dir := cache.Dir(b.TempDir())
	layer := func() int64 {
		c := &Compiler{Cache: dir}
		binary, err := c.Probe(b.Context(), linux("amd64"), Plain)
		if err != nil {
			b.Fatal(err)
		}
		l, err := c.Layer([]File{{Path: "/usr/bin/healthcheck", Mode: 0o555, Content: binary}}, types.OCILayer)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(binary)), "binary-bytes")
		size, err := l.Size()
		if err != nil {
			b.Fatal(err)
		}
		return size
	}
	size := layer()
	for b.Loop() {
		layer()
	}
	b.ReportMetric(float64(size), "layer-bytes")
}
