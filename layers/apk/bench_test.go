package apk

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// BenchmarkBigIndex is what a build spends when the index of a repository of the size of
// Wolfi's has changed: verifying and reading it, resolving, and making the files of one
// small package.
func BenchmarkBigIndex(b *testing.B) {
	const entries = 50_000
	p := pkg("tool", "1.0-r0", apktest.File("usr/bin/tool", 0o755))
	p.Depends = []string{"so:lib100.so.1"}
	tool := p.Build(nil)
	library := pkg("library", "1-r0", apktest.File("usr/lib/lib100.so.1", 0o755))
	library.Provides = []string{"so:lib100.so.1=1"}
	libraryBuilt := library.Build(nil)
	var text strings.Builder
	text.WriteString(tool.Entry() + libraryBuilt.Entry())
	for i := range entries {
		fmt.Fprintf(&text, "C:Q1%sAAAAAAAAAAAAAAAAAAAAAA=\nP:package-%d\nV:%d.%d.%d-r0\nA:x86_64\nS:1\nI:1\nT:a package among many\nU:https://example.com/%d\nL:Apache-2.0\no:origin-%d\nt:1700000000\nc:%040d\nD:so:libc.so.6 so:lib%d.so.2 package-%d\np:so:lib%d.so.2=2 cmd:tool%d=1\n\n",
			"AAAAA", i/5, i%5, i%7, i%11, i, i/10, i, i/50, i/10, i, i)
	}
	repo := apktest.New(goodKey(), tool, libraryBuilt)
	repo["x86_64/"+indexName] = goodKey().Sign(apktest.IndexOf(text.String()))
	req := request(b, serve(b, repo), "tool")
	req.Base = req.Base.Clone() // nothing is kept of the result
	c := newClient(b)
	install(b, c, req)

	runtime.GC()
	before, peak := heap(), watchHeap(b)
	for b.Loop() {
		install(b, again(c), req)
	}
	b.ReportMetric(float64(peak()-before)/1e6, "peak-MB")
	b.ReportMetric(float64(len(repo["x86_64/"+indexName]))/1e6, "index-MB")
	b.ReportMetric(entries, "entries")
}

// heap returns how many bytes of the heap are in use.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// watchHeap watches the heap until its most is asked for.
func watchHeap(b *testing.B) (peak func() uint64) {
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-done:
				result <- most
				return
			case <-time.After(time.Millisecond):
				most = max(most, heap())
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-result
	}
}
