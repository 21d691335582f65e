package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTimes writes every time that is in an image, its layers and its SBOM, each once:
// times FILE > stdout.
func cmdTimes(ts *testscript.TestScript, _ bool, args []string) {
	img := pull(ts, args[0])
	digest, err := img.Digest()
	ts.Check(err)
	ref, err := name.NewDigest(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	sbom, err := remote.Image(ref.Context().Tag("sha256-" + digest.Hex + ".sbom"))
	ts.Check(err)
	times := map[string]bool{}
	for _, img := range []v1.Image{img, sbom} {
		for _, read := range []func() ([]byte, error){img.RawManifest, img.RawConfigFile} {
			text, err := read()
			ts.Check(err)
			addTimes(times, string(text))
		}
		all, err := img.Layers()
		ts.Check(err)
		for _, l := range all {
			ts.Check(addLayerTimes(times, l))
		}
	}
	for _, t := range slices.Sorted(maps.Keys(times)) {
		fmt.Fprintln(ts.Stdout(), t)
	}
}

var dateTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"\s]*`)

func addTimes(times map[string]bool, text string) {
	for _, t := range dateTime.FindAllString(text, -1) {
		times[t] = true
	}
}

// addLayerTimes adds the times of the files in a layer, or those in a layer's text.
func addLayerTimes(times map[string]bool, l v1.Layer) error {
	rc, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err != nil { // the end, or no tar
			addTimes(times, string(data))
			return nil
		}
		times[h.ModTime.UTC().Format(time.RFC3339)] = true
	}
}
